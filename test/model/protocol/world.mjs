import { RULES } from './rules.mjs';
import { START, compare } from './versions.mjs';
import { newHub } from './hub.mjs';

/** Everything there is: three devices and copies of them, one hub, what is under way between them. */
export class World {
  /**
   * @param off - names of the rules that do not hold; `lenient` lets a device take a new id without cause
   * @param trace - called with each line of what happens
   */
  constructor(off = [], trace = null) {
    this.R = Object.fromEntries(Object.keys(RULES).map((rule) => [rule, !off.includes(rule)]));
    this.lenient = off.includes('lenient');
    this.trace = trace;

    this.T = START;
    this.hubSkew = 0;
    this.maxHubNow = 0;
    this.ids = 0;
    this.wid = 0;

    this.hub = newHub();
    this.hubSnaps = [];
    /** Requests and replies that are late, and may come at any time. */
    this.net = [];

    // The ledger: what was acknowledged to a user, whatever became of it.
    this.writes = new Map();
    this.imms = new Map();
    /** The explicit changes of a task's owner. */
    this.grants = [];
    this.created = new Set();
    /** The requests that a run stops. */
    this.asked = [];
    /** Every push that a hub took: whose, and its number and token. */
    this.marks = [];

    this.stats = {
      moved: 0, falseConflicts: 0, conflicts: 0, minted: 0, raised: 0, rounds: 0, returned: 0,
      knownLimit: 0, offered: 0, spared: 0, marks: 0, waiting: 0, claims: 0, leaps: 0, rotated: 0,
      spoilt: 0, taken: 0, ahead: 0, forged: 0, marked: 0, wrong: 0,
    }; // prettier-ignore
    this.anyRestore = false;
    /** Whether an entry on the hub was damaged or forged. */
    this.spoilt = false;
    this.anyCopy = false;
    /** How many keys were made; whether rows keep their order everywhere. */
    this.keys = 1;
    this.orderly = true;
    this.devices = [0, 1, 2].map((i) => this.newDevice(i));
  }

  /** What stands in `s` is durable; the rest is the machine, its memory and the checks' own. */
  newDevice(i) {
    return {
      i,
      machine: `m${i}`,
      schema: 1,
      skew: 0,
      /** Raised by a crash: what was only in memory is void. */
      boot: 0,
      snaps: [],
      /** A copy of the hub in a file, at times stale. */
      replica: null,
      /** Was restored or copied, so that it may take a new device id. */
      cause: false,
      /** The rows at the last check. */
      shadow: new Map(),
      ...freshMemory(),
      s: this.newStore(`m${i}`),
    };
  }

  newStore(machine) {
    return {
      id: this.mint('d'), formerIds: [], machine, on: false,
      storeId: null, epoch: 0, cursor: 0, pair: null, acked: null, sent: null,
      hlc: { ms: 0, c: 0 }, floor: 0, floorC: 0,
      /** Numbers of the notes, and of the immutable rows; how far the latter were sent. */
      nextNum: 1, nextRow: 1, icur: 0, offeredTo: 0,
      /** How often everything was offered; where the offer is now, if one is under way. */
      round: 1, offer: null,
      copied: false, refused: false,
      regs: new Map(), notes: new Map(), imm: new Map(),
      parked: new Map(), parkedNotes: new Map(), conflicts: [],
      /**
       * Where this device is in a session; sessions to look at when a pull has ended, and of them those
       * where something follows the end that the user chose.
       */
      leaves: new Map(), stale: new Set(), grown: new Set(),
      chunks: new Set(), key: 1,
      /** Whether its keys are not those of the group: `shown` by what stands beside them, or `hidden`. */
      wrong: null,
    }; // prettier-ignore
  }

  mint(prefix) {
    return prefix + String(++this.ids).padStart(3, '0');
  }

  cmp(x, y) {
    return compare(x, y, this.R.attempt, this.R.tieHash);
  }

  hubNow() {
    const now = this.T + this.hubSkew;
    this.maxHubNow = Math.max(this.maxHubNow, now);
    return now;
  }

  log(...words) {
    if (this.trace) this.trace(words.join(' '));
  }
}

/** What a process knows and its end forgets. */
export const freshMemory = () => ({
  /** Tasks that are being worked on here. */
  runs: new Set(),
  /** The key that it seals with; 0: it has yet to look. */
  key: 0,
  /** Chunks that the hub is known to hold. */
  pieces: new Set(),
  /** Chunks that came and cannot be read. */
  spoilt: new Set(),
  /** Where an open session handle stood last. */
  handles: new Map(),
  /** For the checks: where the user went on purpose. */
  chosen: new Map(),
});
