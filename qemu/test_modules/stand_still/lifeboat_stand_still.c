// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the machine stand still when it is loaded: every CPU stays where it is, with interrupts off, for good.
// The kernel's own detectors of lockups come with interrupts.
#include <linux/init.h>
#include <linux/module.h>
#include <linux/smp.h>

static void stand_still(void *nothing)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init lifeboat_stand_still_init(void)
{
	pr_emerg("lifeboat_stand_still: from here on no CPU takes an interrupt\n");
	smp_call_function(stand_still, NULL, 0);
	stand_still(NULL);
	return 0;
}

module_init(lifeboat_stand_still_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Makes the machine stand still");
