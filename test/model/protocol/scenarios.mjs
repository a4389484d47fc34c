/**
 * Rules that random runs reach too seldom for a test: for each a run that breaks without it.
 * `{ k, d, x, y }`: see operations.mjs. Devices 0 and 1 sync from the start, device 2 does not.
 */
const at = (d, k, x = 0, y = 1) => ({ k, d, x, y });

/** `pull` with three pages: an empty hub is founded, its epoch taken over, its entries read. */
const meet = (d) => at(d, 'pull', 3, 2);
const OFF = 3;
const ON = 1;
const TITLE = 2;

export const SCENARIOS = {
  // Device 0 has read what device 1 sent; the hub goes back to before that, and device 1 is restored to
  // before it. The push of device 0 must not pass for the state of the hub that it knows.
  pushChecksPair: [
    at(0, 'sync'), at(1, 'sync'), at(1, 'devSnap'), at(1, 'hubSnap'),
    at(1, 'edit', 0, TITLE), at(1, 'sync'), at(0, 'sync'),
    at(1, 'devRestore'), at(1, 'hubRestore', 1),
    at(0, 'edit', 1, TITLE), at(0, 'push', 3),
  ], // prettier-ignore

  // The answer to a push comes when the hub has gone back to the state that it tells of.
  ackFence: [
    at(0, 'sync'), at(0, 'edit', 0, TITLE), at(0, 'pushFault', 3, 5), at(0, 'hubSnap'),
    at(0, 'edit', 1, TITLE), at(0, 'sync'), at(0, 'hubRestore', 1), at(0, 'deliver'),
  ], // prettier-ignore

  // Device 0 is told that the hub holds what it offers; the hub then goes back to a state that device
  // 0 knows, and the device that had sent it is restored to before.
  lackPair: [
    at(0, 'sync'), at(1, 'sync'), at(1, 'devSnap'),
    at(1, 'edit', 0, TITLE), at(1, 'sync'), at(0, 'sync'),
    at(0, 'hubWipe'), meet(0), at(0, 'hubSnap'),
    at(1, 'sync'), at(0, 'push', 3),
    at(0, 'hubRestore', 1), at(1, 'devRestore'),
  ], // prettier-ignore

  // The answer to a push comes when sync was off meanwhile, and a row changed that it had covered.
  offerFence: [
    at(2, 'edit', 0, TITLE), at(2, 'edit', 1, TITLE),
    at(2, 'toggle', 0, ON), meet(2), at(2, 'pushFault', 3, 5),
    at(2, 'toggle', 0, OFF), at(2, 'edit', 0, TITLE), at(2, 'toggle', 0, ON),
    at(2, 'deliver', 0, 1),
  ], // prettier-ignore

  // An edit made with sync off, of a register whose entry is parked: the offer passes over it.
  'unparkNotes+answersEarlier': [
    at(0, 'upgrade'), at(0, 'edit', 0, TITLE), at(0, 'sync'), at(1, 'sync'),
    at(1, 'toggle', 0, OFF), at(1, 'wait', 1), at(1, 'edit', 0, TITLE), at(1, 'toggle', 0, ON),
    at(1, 'sync'),
  ], // prettier-ignore

  // A row waits for its chunks when the hub is wiped; its author sends the chunks, and is restored.
  unparkUnsent: [
    at(1, 'sync'), at(0, 'sync'), at(1, 'devSnap'),
    at(1, 'bigSay'), at(1, 'sync'), at(0, 'pullFault', 3, 1),
    at(0, 'hubWipe'), meet(0), meet(1), at(1, 'push', 3), at(1, 'devRestore'),
  ], // prettier-ignore

  // A large body waits for chunks that nobody has any more: hub and author are back at the former one.
  waitingGoes: [
    at(1, 'big', 7, 59), at(1, 'devSnap'), at(1, 'big', 25, 5), at(1, 'sync', 28, 17),
    at(0, 'pullFault', 27, 25), at(1, 'devRestore', 2, 55), at(1, 'hubRestore', 22, 56),
  ], // prettier-ignore

  // Device 2 has a chunk from a version of its own that lost; its author and the hub have it no more.
  fetchedSure: [
    at(2, 'big', 28, 57), at(3, 'burst', 16, 52), at(0, 'edit', 3, 23), at(0, 'big', 55, 44),
    at(0, 'devSnap', 43, 11), at(0, 'bigSay', 46, 22), at(0, 'big', 50, 12), at(0, 'sync', 1, 46),
    at(0, 'spoil', 9, 38), at(2, 'edit', 18, 16), at(3, 'devRestore', 50, 3),
  ], // prettier-ignore

  // The same of its rows: they must not be gone where the purge is not.
  marksAfterPurge: [
    at(4, 'edit', 40, 2), at(0, 'say', 10, 57), at(0, 'clock', 28, 18), at(3, 'sync', 48, 13),
    at(1, 'pull', 20, 47), at(0, 'devSnap', 41, 7), at(4, 'push', 30, 3), at(0, 'pull', 0, 59),
    at(4, 'say', 28, 18), at(3, 'purge', 46, 6), at(0, 'push', 59, 43), at(0, 'devRestore', 15, 12),
  ], // prettier-ignore

  // Device 0 has read what somebody forged far ahead, and then gets what it is too old for.
  damagedYields: [
    at(0, 'edit', 2, 0), at(0, 'sync'), at(1, 'upgrade'), at(0, 'spoil', 0, 0),
    at(1, 'edit', 2, 0), at(0, 'pull', 0, 0), at(1, 'sync'), at(0, 'sync'),
  ], // prettier-ignore

  // Somebody writes again what the hub held before.
  answersEarlier: [
    at(0, 'stream'), at(0, 'sync'), at(0, 'hubSnap'), at(0, 'stream'), at(0, 'sync'),
    at(0, 'replay', 0, 0),
  ], // prettier-ignore

  // Device 1 has read what was damaged, and learns of the new epoch while it pushes.
  passedNoted: [
    at(1, 'append', 0, 0), at(0, 'life', 2, 18), at(0, 'edit', 0, 4), at(1, 'append', 37, 1),
    at(1, 'pull', 3, 2), at(1, 'edit', 0, 1), at(0, 'sync'), at(1, 'push', 2, 0),
    at(1, 'spoil', 52, 45), at(1, 'pullFault', 38, 7),
  ], // prettier-ignore

  // Entries are taken off late: a good one has taken the place, and is the only copy by now.
  takeSeen: [
    at(0, 'sync'), at(1, 'sync'), at(0, 'edit', 0, TITLE), at(0, 'sync'), at(0, 'devSnap'),
    at(0, 'spoil'), at(1, 'pullFault', 1), at(0, 'edit', 0, TITLE), at(0, 'sync'),
    at(0, 'devRestore'), at(0, 'deliver'),
  ], // prettier-ignore

  // Device 1 asks that a run of device 0 stops, which reports before it hears of that.
  askApart: [
    at(0, 'create'), at(0, 'claim'), at(0, 'sync'), at(1, 'sync'), at(1, 'askToStop'),
    at(0, 'wait', 1), at(0, 'report'),
  ], // prettier-ignore

  // Device 1 decides anew at once, by a clock that is behind; device 0 goes on and has not heard of it.
  ownTime: [
    at(0, 'decide'), at(0, 'sync'), at(1, 'clock', 3), at(1, 'sync'), at(1, 'decide'),
    at(0, 'course'), at(0, 'course'),
  ], // prettier-ignore

  // The hub has the only copy of an edit when a device reads it whose keys are of another group.
  sureKeys: [
    at(0, 'sync'), at(1, 'sync'), at(1, 'devSnap'), at(1, 'edit', 0, TITLE), at(1, 'sync'),
    at(1, 'devRestore'), at(0, 'wrongKeys', 1), at(0, 'sync'),
  ], // prettier-ignore

  // The same: it has read the only copy of a row when the hub is wiped, and gets the right keys.
  seemedOffered: [
    at(0, 'sync'), at(1, 'sync'), at(1, 'devSnap'), at(1, 'append', 1, 0), at(1, 'sync'),
    at(0, 'wrongKeys', 1), at(0, 'sync'), at(0, 'hubWipe'), at(1, 'devRestore'),
  ], // prettier-ignore

  // A purge comes back for its clock, and is lost with its device: its mark must not stand alone.
  markWithPurge: [
    at(1, 'edit', 1, 8), at(0, 'clock', 8, 34), at(0, 'devSnap'), at(1, 'sync'), at(0, 'sync'),
    at(0, 'purge', 1, 16), at(0, 'push', 3, 2), at(0, 'devRestore'), at(2, 'bigSay', 1, 5),
  ], // prettier-ignore
};
