// SPDX-License-Identifier: GPL-2.0-or-later
// Runs into a BUG() when it is loaded.
#include <linux/bug.h>
#include <linux/init.h>
#include <linux/module.h>

static int __init lifeboat_bug_init(void)
{
	BUG();
}

module_init(lifeboat_bug_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Runs into a BUG()");
