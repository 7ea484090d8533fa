/* SPDX-License-Identifier: BSD-3-Clause */
#include "example.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *path, unsigned int number, const char *why)
{
	fprintf(stderr, "%s:%u: %s\n", path, number, why);
	exit(1);
}

static bool is_hex(const char *word)
{
	return isxdigit((unsigned char)word[0]) && isxdigit((unsigned char)word[1]) && !word[2];
}

/* Bytes and room, as far as the rest of the line is such. */
static void parse_bytes(struct example_line *line)
{
	char rest[sizeof(line->rest)];
	char *save, *word;

	memcpy(rest, line->rest, sizeof(rest));
	for (word = strtok_r(rest, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (word[0] == '+')
			line->room = strtoul(word + 1, NULL, 10);
		else if (is_hex(word) && line->len < EXAMPLE_BYTES_MAX)
			line->bytes[line->len++] = (uint8_t)strtoul(word, NULL, 16);
		else
			return;
	}
}

bool example_parse_line(struct example_line *line, const char *text)
{
	size_t len;

	memset(line, 0, sizeof(*line));
	if (sscanf(text, "%15s", line->word) != 1)
		return false;
	text = strstr(text, line->word) + strlen(line->word);
	text += strspn(text, " ");
	len = strcspn(text, "\n");
	if (len >= sizeof(line->rest))
		return false;
	memcpy(line->rest, text, len);
	parse_bytes(line);
	return true;
}

static void name_example(struct example *example, const char *path, unsigned int number)
{
	const char *base = strrchr(path, '/');

	snprintf(example->name, sizeof(example->name), "%.40s_%u", base ? base + 1 : path, number);
	for (char *c = example->name; *c; c++) {
		if (!isalnum((unsigned char)*c))
			*c = '_';
	}
}

static unsigned int read_document(const char *path, struct example *examples, unsigned int count)
{
	FILE *file = fopen(path, "r");
	struct example *example = NULL;
	unsigned int number = 0;
	char text[512];

	if (!file)
		die(path, 0, "cannot be read");
	while (fgets(text, sizeof(text), file)) {
		number++;
		if (!strcmp(text, "```hex\n")) {
			if (count == EXAMPLES_MAX)
				die(path, number, "too many examples");
			example = &examples[count++];
			memset(example, 0, sizeof(*example));
			name_example(example, path, number);
		} else if (!strcmp(text, "```\n")) {
			example = NULL;
		} else if (example &&
			   (example->count == EXAMPLE_LINES_MAX ||
			    !example_parse_line(&example->lines[example->count++], text))) {
			die(path, number, "no line of an example");
		}
	}
	fclose(file);
	return count;
}

unsigned int examples_read(const char *folder, struct example *examples)
{
	unsigned int count = 0;
	char pattern[1024];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*.md", folder);
	if (glob(pattern, 0, NULL, &found))
		die(folder, 0, "has no document");
	for (size_t i = 0; i < found.gl_pathc; i++)
		count = read_document(found.gl_pathv[i], examples, count);
	globfree(&found);
	return count;
}
