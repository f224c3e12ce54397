// SPDX-License-Identifier: GPL-2.0-or-later
// Brings the machine down in the way that `way` says, when it is loaded; Debian's kernels have no lkdtm.
#include <linux/bug.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

static char *way = "";
module_param(way, charp, 0);
MODULE_PARM_DESC(way, "null, bug, interrupt, stack, double, hung, soft, busy");

static int *volatile nowhere;
static volatile unsigned long deepest = ULONG_MAX;

static void panic_in_interrupt(struct irq_work *work)
{
	panic("lifeboat_die: in an interrupt");
}
static struct irq_work in_interrupt;

/* A guard page ends it. */
static noinline unsigned long fill_stack(unsigned long depth)
{
	volatile char frame[512];

	memset((char *)frame, (int)depth, sizeof(frame));
	if (depth == deepest)
		return depth;
	return fill_stack(depth + 1) + frame[depth % sizeof(frame)];
}

/* The fault of a push to nowhere cannot be pushed either. */
static noinline void fault_twice(void)
{
	asm volatile("movq $0x1000, %%rsp\n\tpushq $0" ::: "memory");
}
STACK_FRAME_NON_STANDARD(fault_twice);

static int never_wake(void *nothing)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule();
	}
	return 0;
}

static int never_yield(void *nothing)
{
	preempt_disable();
	for (;;)
		cpu_relax();
	return 0;
}

static void never_answer(void *nothing)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init lifeboat_die_init(void)
{
	pr_emerg("lifeboat_die: way %s\n", way);
	if (!strcmp(way, "null"))
		*nowhere = 1;
	else if (!strcmp(way, "bug"))
		BUG();
	else if (!strcmp(way, "interrupt")) {
		init_irq_work(&in_interrupt, panic_in_interrupt);
		irq_work_queue(&in_interrupt);
	} else if (!strcmp(way, "stack"))
		return (int)fill_stack(0);
	else if (!strcmp(way, "double"))
		fault_twice();
	else if (!strcmp(way, "hung"))
		kthread_run(never_wake, NULL, "lifeboat-hung");
	else if (!strcmp(way, "soft"))
		kthread_run(never_yield, NULL, "lifeboat-soft");
	else if (!strcmp(way, "busy")) {
		smp_call_function(never_answer, NULL, 0);
		never_answer(NULL);
	} else
		return -EINVAL;
	return 0;
}

module_init(lifeboat_die_init);
MODULE_DESCRIPTION("brings the machine down in a chosen way");
MODULE_LICENSE("GPL");
