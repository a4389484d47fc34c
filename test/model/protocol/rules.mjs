/**
 * Every rule of the protocol as a switch: true means that it holds. Taking one away (`--off`, or
 * `--mutations` for each) shows what it is for: some check turns red.
 *
 * The first word tells where a rule comes from. `text`: the design as it was first written; `added`:
 * what random runs showed to be missing in it; `send`, `offer`, `bases`, `branch`, `chunk`, `purge`,
 * `key`, `damage`, `owner`, `routine`: what the product does beyond the plain exchange of registers.
 */
export const RULES = {
  exactTrim: ['text', 'an acknowledgement trims exactly the numbers that were read'],
  newNumber: ['text', 'a second edit gives its note a new number'],
  persistHlc: ['text', 'the clock is persisted in the transaction that uses it'],
  raise: ['text', "every change raises its register's version"],
  attempt: ['text', 'a lifecycle puts (attempt, terminal) before the clock'],
  tieHash: ['text', 'ties are broken by a hash of the content'],
  alwaysStamped: ['text', 'versions are written whether sync is on or off'],
  offerOnEnable: ['text', 'enabling sync offers what was written while it was off'],
  pulledMark: ['text', 'unsent is judged by the pulled mark, never by who wrote it'],
  hubGuard: ['text', "the hub's upsert is guarded by version"],
  cursorInTx: ['text', 'the cursor is saved in the transaction that applies the page'],
  keepStoreId: ['text', 'the store id is kept by every device; another one is refused'],
  headPair: ['text', 'a (head, token) pair the hub no longer has means that it went back'],
  pairFromSnapshot: ['text', 'the pair is that of the snapshot that was read'],
  raiseEpoch: ['text', 'whoever notices raises the epoch (off: resets only itself)'],
  pushEpoch: ['text', 'a push checks the epoch'],
  offerAll: ['text', 'after a new epoch all rows are offered, whoever wrote them'],
  clockTest: ['text', 'the hub returns versions more than 10 minutes ahead'],
  restampAboveHub: ['text', 'a returned row is stamped above what the hub holds'],
  pushPair: ['text', 'a last push pair that is not ours means: restored or copied'],
  machineId: ['text', 'another machine identity means: copied'],
  readAll: ['text', 'a restored or copied store reads everything, then sends'],
  restampCopy: ['text', 'a restored or copied store stamps what is unsent anew'],
  orphans: ['text', 'rows are applied whether or not their parent has come'],
  parkKeep: ['text', 'what cannot be applied is parked'],
  parkRetry: ['text', 'parked entries are tried again'],
  parkWaits: ['text', 'a local edit of a register with a parked entry waits'],
  conflicts: ['text', 'an overwritten version that was not named is kept as a conflict'],
  purgeSweep: ['text', 'purge empties payloads on every device'],

  ackPair: ['added', 'an acknowledged push also moves the remembered (head, token) pair'],
  pushChecksPair: ['added', 'a push checks the (head, token) pair in its transaction'],
  adoptPair: ['added', "with a new epoch or store the hub's push pair and state are taken over"],
  samePair: ['added', 'number and token change only after an acknowledgement'],
  replyFence: ['added', "a pull's reply counts only while what it was asked with still holds"],
  epochToken: ['added', 'an epoch is a number and a random token'],
  epochUp: ['added', 'an epoch lower than ours is raised above ours, never taken over'],
  ackFence: ['added', 'an acknowledgement counts only if epoch, identity and pair still hold'],
  offerParked: ['added', 'parked entries are offered too'],
  ownOnly: ['added', 'only unsent edits are stamped anew, never offered rows'],
  raiseChecked: ['added', 'raising is one hub transaction that checks the reason again'],
  commitToken: ['added', "the hub makes the commit's token itself, new for every transaction"],
  keepPair: ['added', 'a store that takes a new device id keeps its (head, token) pair'],
  clockFloor: ['added', 'a clock is never set back below the latest version known as accepted'],
  hubFloor: ['added', 'the hub also takes what is not later than the latest version seen accepted'],
  noRatchet: ['added', "the 10 minutes are added to the hub's clock only, never to that version"],
  parkByHub: ['added', "the future is judged by the hub's limit, not by the device's clock"],
  immByContent: ['added', "an immutable entry's register is its content hash"],
  replicaOnly: ['added', 'a replica is read only if it has our store id, epoch and pair'],

  copyCompared: ['copy', 'and each page of it only where it has all that the hub holds there'],

  ownRead: [
    'send',
    'an acknowledged push counts as read only where nothing of others lay before it',
  ],
  sendReads: ['send', 'who began with a push pulls unless it was taken and left nothing unread'],

  offerScan: ['offer', 'what is offered is read along the rows, not noted one by one'],
  offerFence: ['offer', 'an acknowledgement moves an offer only if it was not restarted since'],
  offerRound: ['offer', 'a row counts as pulled only under the number of the current offer'],
  lackFirst: ['offer', 'the hub is asked first what of an offer it lacks'],
  lackPair: ['offer', "the state in which the hub was asked is remembered as a pull's"],
  sparedSilent: ['offer', 'what was left out of a push does not count as accepted'],
  unparkNotes: ['offer', 'a register whose parked entry leaves is noted'],
  unparkUnsent: ['offer', 'a row that leaves the parked entries before it was offered is unsent'],
  rawUntested: ['offer', "a parked entry's version is not tested again: a hub took it once"],

  bases: ['bases', 'an entry names all versions replaced since the hub last knew one'],
  ancestors: ['bases', 'and of what came before those the latest of each device'],
  ownExact: ['bases', 'its own versions a device finds named themselves, or not known'],

  leafNewest: ['branch', 'a pull moves the leaf to the newest end'],
  leafOwn: ['branch', 'but only below the last message of this device that leads to it'],
  leafChosen: ['branch', 'a leaf that the user chose stays'],
  leafGrows: ['branch', 'but goes along where it was an end, and something follows it'],
  leafAfterPull: ['branch', 'leaves move when a pull has come to its end, not in between'],

  chunksFirst: ['chunk', 'the chunks of an entry go to the hub before it'],
  chunksByEpoch: ['chunk', 'what chunks the hub holds is known for one epoch only'],
  chunksWait: ['chunk', 'an entry waits, parked, until its chunks are complete'],
  losersLeave: ['chunk', 'an entry that would lose is not waited for'],
  largeUnsure: ['chunk', 'that the hub holds the entry of a large row does not make it sent'],
  fetchedSure: ['chunk', 'nor one that came while its chunks were here already'],
  waitingSilent: ['chunk', 'a parked entry is not offered while its chunks are incomplete'],
  waitingGoes: ['chunk', 'an entry that waits for chunks goes where the hub has an earlier one'],
  waitingYields: ['chunk', 'an edit goes over an entry that waits for its chunks, and above it'],

  purgeMarks: ['purge', 'immutable rows of a purged root are deleted and marked on the hub'],
  markLate: ['purge', 'a row of a purged root that comes late is marked, not stored'],
  marksAfterPurge: ['purge', 'rows are marked as purged on the hub only when it holds the purge'],
  markBeats: ['purge', 'a mark beats the row on the hub'],
  purgeStreams: [
    'purge',
    'what still streams below a purged root is blanked, its final row or not',
  ],
  markWithPurge: ['purge', "the chunks' mark counts only where the hub holds the purge itself"],
  chunkRoots: ['purge', "chunks are kept by root; the root's mark clears and bars them"],

  pushLock: ['key', 'a push is taken only under the lock of its keys'],
  sealedLock: ['key', 'that lock is the one of the keys it was sealed with, when it was read'],
  keysFollow: ['key', 'keys are looked at again with every read of what is to be sealed'],
  lockUp: ['key', 'a hub with an older lock gets the newer one'],
  keepsPlace: ['key', 'what is only sealed anew keeps its place on the hub'],

  takeFuture: ['damage', 'what is years ahead of every clock is taken off, too'],
  floorBelieved: ['damage', "a hub's floor that is beyond belief by its own clock is none"],
  ownFloorBelieved: ['damage', 'so is what this device knew as accepted, by its own clock'],
  restampBelieved: ['damage', 'what came back is not stamped above what is beyond belief'],
  ownMark: [
    'damage',
    'a last push that no copy of this store made is set right, and makes no new device',
  ],
  provenKeys: ['damage', 'keys that are not those of the lock are used for nothing'],
  sureKeys: ['damage', 'who may have wrong keys, by the lock, takes nothing off'],
  seemedOffered: ['damage', 'what seemed damaged under wrong keys is offered with the right ones'],
  takeOff: ['damage', 'what nobody can read is taken off the hub'],
  takeRaises: ['damage', 'and the epoch raised, so that all send what the hub lacks then'],
  takeSeen: ['damage', 'no other entry is taken off than the one that was looked at'],
  damagedYields: ['damage', 'what nobody can read takes the place of nothing that somebody may'],
  damagedWaits: ['damage', 'what nobody can read holds up no later edit, what was taken off none'],
  passedNoted: ['damage', 'what an offer passes over for it is noted'],
  answersEarlier: ['damage', 'an earlier version on the hub than ours is answered with ours'],

  ownerOnly: ['owner', 'claim and recover act only on what this device owns'],
  stopWhenHeard: ['owner', 'work is stopped when its owner is found to be another'],
  handOverRaises: ['owner', 'a change of owner raises the attempt'],
  recoverKeeps: ['owner', 'recovery stays within the attempt'],
  newSelf: ['owner', 'a store that takes a new device id stops what it ran'],
  askApart: ['owner', 'that a run is to stop stands where no report of it is written'],

  carriesOn: ['routine', 'what goes its course is stamped right above what it replaces'],
  ownTime: ['routine', 'a decision beside it has a later time than what it replaces'],
};

/** A rule of the text that the model advises against: stamping a copy's edits anew lets old edits win. */
export const ADVISED_AGAINST = ['restampCopy'];

/** What the product does beyond the plain exchange of registers. */
export const EXTENSIONS = [
  'copy',
  'send',
  'offer',
  'bases',
  'branch',
  'chunk',
  'purge',
  'key',
  'damage',
  'owner',
  'routine',
];

/** The rules of some extensions, by name. */
export function rulesOf(...origins) {
  return Object.keys(RULES).filter((rule) => origins.includes(RULES[rule][0]));
}
