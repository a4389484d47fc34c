// What each guard of sync is for: taken away, the simulation must turn red.

/** Name to [file, what stands there, what is put there]. */
export const MUTATIONS = {
  hubGuard: [
    ['src/sync/push-statements.ts', 'where excluded.version > hub_entries.version', 'where true'],
  ],
  cursorInTransaction: [
    ['src/sync/pull-once.ts', '      saveCursor(transaction, cursor);', ''],
    [
      'src/sync/pull-once.ts',
      '    const done = await exchange.database.write(',
      `    const early = await exchange.database.write({ now: exchange.now }, (transaction) => {
      if (!sameAsk(expected, needState(transaction))) return false;
      saveCursor(transaction, page.more ? (page.entries.at(-1)?.seq ?? 0) : meta.head.number);
      expected = askOf(needState(transaction));
      return true;
    });
    if (!early) return undefined;
    await setImmediate();
    const done = await exchange.database.write(`,
    ],
    ['src/sync/pull-once.ts', 'cursor: done.cursor, pair: meta.head', 'pair: meta.head'],
  ],
  headPair: [['src/sync/identify.ts', 'if (!meta.hasPair) {', 'if (!meta.hasPair && false) {']],
  pushChecksPair: [
    [
      'src/sync/push-statements.ts',
      `and (?1 ->> '$.pair.number' is null or exists (`,
      `and (true or ?1 ->> '$.pair.number' is null or exists (`,
    ],
  ],
  bothPairs: [
    ['src/sync/identify.ts', 'if (!meta.hasPair) {', 'if (!meta.hasPair && false) {'],
    [
      'src/sync/push-statements.ts',
      `and (?1 ->> '$.pair.number' is null or exists (`,
      `and (true or ?1 ->> '$.pair.number' is null or exists (`,
    ],
  ],
  exactTrim: [
    [
      'src/sync/trim.ts',
      `transaction.run('delete from outbox where number in (select value from json_each(?))', [
    JSON.stringify(trim.notes),
  ]);`,
      `transaction.run('delete from outbox where number <= ?', [Math.max(0, ...trim.notes) + 1000]);`,
    ],
  ],
  replyFence: [
    ['src/sync/pull-once.ts', 'if (!sameAsk(expected, held)) return undefined;', ''],
    ['src/sync/identify.ts', 'if (!sameAsk(ask, state)) return false;', ''],
    [
      'src/sync/identify.ts',
      'if (sameAsk(ask, needState(transaction))) job(transaction);',
      'job(transaction);',
    ],
  ],
  ackFence: [['src/sync/acknowledge.ts', 'if (!sameIdentity(ask, held)) return undefined;', '']],
  offerAll: [['src/sync/identify.ts', '  offerAll(transaction);\n', '']],
  newNumber: [
    [
      'src/db/outbox.ts',
      'const NOTE_REPLACING = `insert or replace into outbox (table_name, row_id, register, noted_at, bases)',
      'const NOTE_REPLACING = `insert or ignore into outbox (table_name, row_id, register, noted_at, bases)',
    ],
  ],
  clash: [
    [
      'src/sync/apply/apply-row.ts',
      '  if (held < contentHash) {',
      '  if (held !== contentHash) return undefined;\n  if (held < contentHash) {',
    ],
  ],
  firstKeepsId: [
    ['src/sync/apply/apply-row.ts', '  if (held < contentHash) {', '  if (held !== contentHash) {'],
  ],
  newIdentity: [
    [
      'src/sync/identify.ts',
      '      takeIdentity(transaction, newUlid(transaction.now()), exchange.machine);',
      '      saveAcked(transaction, ask.sent);',
    ],
    [
      'src/sync/identify.ts',
      '    else takeIdentity(transaction, newUlid(transaction.now()), machine);',
      '',
    ],
    ['src/sync/identify.ts', 'if (!sent && !sameMark(meta.mine, ask.acked)) {', 'if (false) {'],
    ['src/sync/push-statements.ts', '(d.push_number is', '(true or d.push_number is'],
  ],
  purgeSweep: [
    ['src/sync/apply/apply-register.ts', '    sweepPurged(transaction, root.table, root.id);', ''],
  ],
  conflicts: [
    ['src/sync/apply/apply-register.ts', 'if (conflict && held) keepLoser', 'if (false) keepLoser'],
  ],
  ackedWithoutPair: [
    ['src/sync/identify.ts', '    savePair(transaction, meta.head);\n  });', '  });'],
  ],
  epochToken: [
    [
      'src/sync/ask.ts',
      'return a.number === b.number && a.token === b.token;',
      'return a.number === b.number;',
    ],
  ],
  restampAboveHub: [
    [
      'src/sync/acknowledge.ts',
      'source.rowId, source.register, held',
      'source.rowId, source.register, null',
    ],
  ],
  unreadOthers: [
    [
      'src/sync/sync-once.ts',
      'return pair?.number === cursor;',
      'return pair !== null || cursor > 0;',
    ],
  ],
  cursorOverOthers: [
    [
      'src/sync/acknowledge.ts',
      'if (held.cursor === ask.cursor && head.number - sending.length === held.cursor) {',
      'if (held.cursor === ask.cursor) {',
    ],
  ],
  notTakenIsEnough: [
    [
      'src/sync/sync-once.ts',
      "done = (await push()) === 'sent' && sum.meta !== null && (await hasReadAll(exchange));",
      'await push();\n    done = true;',
    ],
  ],
  epochAfterTakingOff: [
    ['src/sync/take-off.ts', 'where changes() > 0 returning', 'where 0 returning'],
  ],
  goodTakesPlace: [
    ['src/sync/take-off.ts', '  await replaceParked(exchange, ground.meta, good, tally);\n', ''],
  ],
  removedHoldsUp: [
    [
      'src/sync/waiting.ts',
      `where reason not in ('chunks', 'removed')`,
      `where reason <> 'chunks'`,
    ],
  ],
  keyThatNobodyHas: [
    [
      'src/sync/take-off.ts',
      'if (newest !== undefined && entry.keyNumber > newest) return false;',
      '',
    ],
  ],
  spoiltPieces: [
    ['src/sync/fetch-bodies.ts', 'memory.spoiltPieces.set(textOf(piece), piece);', ''],
  ],
  everyEditIsMade: [
    [
      'src/db/transaction.ts',
      'if (names.every((name) => next[name] === old[name])) continue;',
      `if (names.every((name) => next[name] === old[name])) continue;
      if (register === 'title' && this.now() % 2 === 0) continue;`,
    ],
  ],
  purgedTriggers: [
    [
      'src/upkeep/purge.ts',
      `      [triggers, 'owner_session_id = ?', { message: '', workspace: null, error: null, ...BODY }],\n`,
      '',
    ],
  ],
};
