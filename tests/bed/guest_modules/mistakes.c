// SPDX-License-Identifier: BSD-3-Clause
/*
 * Makes mistakes, so that it can be seen that they are found: write the name of one to the
 * parameter `make`. Only what the kernel at hand looks for may be asked for.
 */
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timer.h>

#define BYTES 40

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static void do_warning(void)
{
	WARN(1, "a mistake that was asked for\n");
}

static void do_overrun(void)
{
	char *bytes = kmalloc(BYTES, GFP_KERNEL);

	if (!bytes)
		return;
	OPTIMIZER_HIDE_VAR(bytes);
	WRITE_ONCE(bytes[BYTES], 1);
	kfree(bytes);
}

static void do_use_after_free(void)
{
	char *bytes = kmalloc(BYTES, GFP_KERNEL);

	if (!bytes)
		return;
	kfree(bytes);
	OPTIMIZER_HIDE_VAR(bytes);
	(void)READ_ONCE(bytes[1]);
}

static void do_lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void do_sleep(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

static void do_leak(void)
{
	void *lost = kmalloc(BYTES, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(lost);
}

static void nothing(struct timer_list *timer)
{
}

/* What looks for it stops the timer, too. */
static void do_free_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, nothing, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);
}

static const struct {
	const char *name;
	void (*make)(void);
} mistakes[] = {
	{ "warning", do_warning },
	{ "overrun", do_overrun },
	{ "use-after-free", do_use_after_free },
	{ "lock-order", do_lock_order },
	{ "sleep", do_sleep },
	{ "leak", do_leak },
	{ "free-timer", do_free_timer },
};

static int make_set(const char *value, const struct kernel_param *param)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (sysfs_streq(value, mistakes[i].name)) {
			mistakes[i].make();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops make_ops = { .set = make_set };
module_param_cb(make, &make_ops, NULL, 0200);
MODULE_PARM_DESC(make, "written: the mistake of that name is made");

static int __init mistakes_init(void)
{
	return 0;
}

static void __exit mistakes_exit(void)
{
}

module_init(mistakes_init);
module_exit(mistakes_exit);
MODULE_DESCRIPTION("Mistakes that a kernel can be asked to find");
MODULE_LICENSE("Dual BSD/GPL");
