/* SPDX-License-Identifier: BSD-3-Clause */
/* For cppcheck, which does not look into the library's headers: loops over JSON. */
#define json_object_foreach(object, key, value)                                                    \
	for (; (key = json_object_iter_key(object), value = json_object_get(object, key));)
#define json_array_foreach(array, index, value)                                                    \
	for (index = 0; (value = json_array_get(array, index)); index++)
