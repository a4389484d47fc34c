import type { Reader } from '../db/reader.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { ConflictError, DamagedStoreError, InvalidInputError } from '../errors.ts';
import type { Automation, DueAutomations } from '../model/automation.ts';
import { automations as table } from '../model/registers.ts';
import {
  dueSlots,
  isPassedOver,
  nextSlot,
  parseRule,
  ScheduleError,
  type DueSlots,
  type SlotOptions,
} from '../model/schedule.ts';
import { formatTime } from '../model/time.ts';
import { IMPORT_DEVICE } from '../model/version.ts';
import {
  AUTOMATION_COLUMNS,
  catchUpOf,
  needAutomation,
  readAutomation,
  type AutomationRow,
} from './automation-rows.ts';

/** What a slot is computed from. */
type Scheduled = Pick<AutomationRow, 'rule' | 'created_at'>;

function slotOptions(automation: Scheduled): SlotOptions {
  // Asked for each time: a machine that travels changes its zone. There is none, whatever the type
  // says, where `TZ` is no name of a zone; then Node's clocks show UTC.
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions() as { timeZone?: string };
  return { timeZone: timeZone ?? 'UTC', createdAt: automation.created_at };
}

/** The first slot after a time by the clocks of this machine; null when the rule is over. */
function slotAfter(automation: Scheduled, after: number): number | null {
  return nextSlot(parseRule(automation.rule), after, slotOptions(automation));
}

/** The same for an automation that is to run. @throws `ConflictError` the rule is not supported */
export function firstSlot(automation: Scheduled, after: number): number | null {
  try {
    return slotAfter(automation, after);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    throw new ConflictError(`the automation cannot run: ${error.message}`, { cause: error });
  }
}

/** The first slot of a rule that is new. @throws `InvalidInputError` it has none */
export function slotOfNewRule(rule: string, createdAt: number, now: number): number {
  const automation = { rule, created_at: createdAt };
  const slot = firstSlot(automation, now);
  if (slot !== null) return slot;
  throw new InvalidInputError(
    isPassedOver(parseRule(rule), now, slotOptions(automation))
      ? 'automation rule: this time does not exist on that day, as the clocks are put forward over it'
      : 'automation rule: it names no time after now',
  );
}

/** The columns that say when an automation runs next; one whose rule is over is paused. */
function scheduled(next: number | null): Row {
  return next === null ? { status: 'paused', next_run_at: null } : { next_run_at: next };
}

/** For one that was out of sight: what passed meanwhile is not made up for. */
export function rescheduled(automation: AutomationRow, now: number): Row {
  if (automation.status !== 'active') return {};
  try {
    return scheduled(slotAfter(automation, now));
  } catch (error) {
    // It stays as it was, and `due` tells why it does not run.
    if (error instanceof ScheduleError) return {};
    throw error;
  }
}

/** What this device should run at a time; see `Automations.due`. */
export function planDue(transaction: Transaction, now: number): DueAutomations {
  const problems: DueAutomations['problems'] = [];
  const open: { automation: Automation; slot: number }[] = [];
  const rows = transaction.list<AutomationRow>(
    AUTOMATION_COLUMNS,
    `from automations where status = 'active' and deleted_at is null and details_version <> ''
     and owner = ?`,
    [transaction.device],
  );
  for (const row of rows) {
    if (row.next_run_at !== null && row.next_run_at > now) {
      bringForward(transaction, row, now);
      continue;
    }
    try {
      const { slots, next } = openSlots(transaction, row, now);
      if (slots.length === 0) {
        advance(transaction, row, next);
        continue;
      }
      const automation = readAutomation(transaction, row.id);
      open.push(...slots.map((slot) => ({ automation, slot })));
    } catch (error) {
      // One automation that cannot run must not hold up the others.
      if (!(error instanceof ScheduleError || error instanceof DamagedStoreError)) throw error;
      problems.push({ automationId: row.id, name: row.name, message: error.message });
    }
  }
  open.sort((a, b) => a.slot - b.slot);
  return { items: open.map((due) => ({ ...due, slot: formatTime(due.slot) })), problems };
}

/**
 * The slots of an automation that should run, without those that ran already: an import may bring
 * runs that the stored next time does not know of.
 *
 * @throws `ScheduleError` the rule is not supported
 */
function openSlots(reader: Reader, automation: AutomationRow, now: number): DueSlots {
  const rule = parseRule(automation.rule);
  const options = slotOptions(automation);
  const first = automation.next_run_at ?? nextSlot(rule, now, options);
  if (first === null) return { slots: [], next: null };
  const { slots, next } = dueSlots(rule, first, now, catchUpOf(automation), options);
  const rows = reader.rows(
    'select slot from automation_runs where automation_id = ? and slot >= ? and slot <= ?',
    [automation.id, first, now],
  );
  const ran = new Set(rows.map((row) => Number(row[0])));
  return { slots: slots.filter((slot) => !ran.has(slot)), next };
}

/**
 * A time that passes over a slot from now on was noted while the clock of this machine was ahead. Over more
 * than one: rules that count from their last slot (each second hour, on some days) have others than from now.
 */
function bringForward(transaction: Transaction, automation: AutomationRow, now: number): void {
  try {
    const first = slotAfter(automation, Math.max(now, transaction.now()));
    const second = first === null ? null : slotAfter(automation, first);
    if (second !== null && second <= Number(automation.next_run_at)) {
      advance(transaction, automation, first);
    }
  } catch (error) {
    // `due` tells of it when its time has come.
    if (!(error instanceof ScheduleError)) throw error;
  }
}

/** A pause, a rule or an owner that somebody sets without knowing of this holds. */
function advance(transaction: Transaction, automation: AutomationRow, next: number | null): void {
  transaction.carryOn(table, automation.id, scheduled(next));
}

/** Sets the next time after a slot that ran. @throws `ConflictError` the rule is not supported */
export function advancePast(
  transaction: Transaction,
  automation: AutomationRow,
  slot: number,
): void {
  const expected = automation.next_run_at ?? slot;
  if (slot < expected) return;
  // Where every slot is to run, those before this one still are.
  if (slot > expected && catchUpOf(automation) === 'all') return;
  advance(transaction, automation, firstSlot(automation, slot));
}

/** Gives the imported automations to this device, last changed first. */
export function takeOverImported(transaction: Transaction): AutomationRow[] {
  const imported = transaction.list<{ id: string }>(
    ['id'],
    'from automations where deleted_at is null and owner = ? order by updated_at desc, id desc',
    [IMPORT_DEVICE],
  );
  return imported.map(({ id }) => {
    transaction.update(table, id, { owner: transaction.device });
    return needAutomation(transaction, id);
  });
}
