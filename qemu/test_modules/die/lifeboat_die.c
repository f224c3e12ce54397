// SPDX-License-Identifier: GPL-2.0-or-later
// Brings the machine down in the way that `way` says, when it is loaded; Debian's kernels have no lkdtm.
#include <linux/bug.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

static char *way = "";
module_param(way, charp, 0);
MODULE_PARM_DESC(way, "null, bug, interrupt, stack, double, hung, soft, busy, flip");
static ulong seed;
module_param(seed, ulong, 0);
MODULE_PARM_DESC(seed, "of the bits that are flipped");

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

/* What is not exported is found by a probe of the function that finds it. */
static unsigned long look_up(const char *name)
{
	static unsigned long (*by_name)(const char *name);
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };

	if (!by_name && register_kprobe(&probe) == 0) {
		by_name = (void *)probe.addr;
		unregister_kprobe(&probe);
	}
	return by_name ? by_name(name) : 0;
}

static struct rnd_state random;

static void flip_bit(void *start, unsigned long bytes)
{
	u8 *at = start;

	if (start && bytes)
		at[prandom_u32_state(&random) % bytes] ^= 1 << prandom_u32_state(&random) % 8;
}

static void flip_in_memmap(void)
{
	unsigned long pfn = prandom_u32_state(&random) % get_num_physpages();

	if (pfn_valid(pfn))
		flip_bit(pfn_to_page(pfn), sizeof(struct page));
}

/* Of the kernel's half, one entry of a table at some level: what is mapped by it may well be in use. */
static void flip_in_page_tables(void)
{
	unsigned long *table = (unsigned long *)look_up("swapper_pg_dir"), entry;
	int level, levels = pgtable_l5_enabled() ? 5 : 4;

	if (!table)
		table = (unsigned long *)look_up("init_top_pgt");
	for (level = levels; table && level > 0; level--) {
		unsigned long first = level == levels ? 256 : 0, tries = 4096;
		unsigned long *at;

		do
			at = table + first + prandom_u32_state(&random) % (512 - first);
		while (!(*at & _PAGE_PRESENT) && --tries);
		entry = *at;
		if (!(entry & _PAGE_PRESENT) || level == 1 || (level <= 3 && (entry & _PAGE_PSE)) ||
		    prandom_u32_state(&random) % 4 == 0) {
			flip_bit(at, sizeof(*at));
			return;
		}
		table = __va(entry & PTE_PFN_MASK);
	}
}

static void flip_in_log(void)
{
	switch (prandom_u32_state(&random) % 3) {
	case 0:
		flip_bit((void *)look_up("__log_buf"), 1UL << CONFIG_LOG_BUF_SHIFT);
		return;
	case 1: /* struct prb_desc of 24 bytes for 32 of text; the log has not filled them */
		flip_bit((void *)look_up("_printk_rb_static_descs"), 24 * 512);
		return;
	default:
		flip_bit((void *)look_up("_printk_rb_static_infos"), 88 * 512);
	}
}

static void flip_and_panic(void)
{
	int flips;

	prandom_seed_state(&random, seed);
	look_up("printk"); /* while a probe can still be made */
	local_irq_disable();
	for (flips = 1 + prandom_u32_state(&random) % 64; flips > 0; flips--) {
		switch (seed % 3) {
		case 0:
			flip_in_memmap();
			break;
		case 1:
			flip_in_page_tables();
			break;
		default:
			flip_in_log();
		}
	}
	panic("lifeboat_die: flipped");
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
	else if (!strcmp(way, "flip"))
		flip_and_panic();
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
