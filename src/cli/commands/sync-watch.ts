import { SyncOffError, type Store, type SyncNotice } from '../../index.ts';
import { storeCommand } from '../command.ts';
import { formatSpan, localTime } from '../format.ts';
import type { Output } from '../output.ts';
import { reportText, warnOfCopy } from './exchange-report.ts';

export const syncWatch = storeCommand({
  name: 'watch',
  summary: 'keep this store in step until it is stopped, in the foreground',
  details:
    'Where another process does it, this one stands by. Exchanges are told on standard output, what ' +
    'goes wrong and right again on standard error. With --json everything is on standard output, one ' +
    'line each: {"event":"exchanged"|"leading"|"standingBy"|"failed"|"recovered"|"off", …}.',
  example: 'sync watch',
  access: 'write',
  async run({ store, out, beforeLeaving, endsByInterrupt }) {
    const stop = new AbortController();
    if (!(await store.sync.status()).enabled) throw new SyncOffError('sync is off for this store');
    endsByInterrupt();
    const watching = watch(store, out, stop.signal);
    let over = false;
    // Gives the lead to another process, instead of leaving that to time.
    beforeLeaving(async () => {
      if (over) return;
      stop.abort();
      await watching;
    });
    await watching.finally(() => (over = true));
  },
});

async function watch(store: Store, out: Output, signal: AbortSignal): Promise<void> {
  const onNotice = (notice: SyncNotice) => {
    tell(out, notice);
  };
  for await (const report of store.sync.watch({ signal, onNotice })) {
    if (out.json) await out.printJsonLine({ event: 'exchanged', ...report });
    else out.printText(`${now()}  ${reportText(report)}`);
    warnOfCopy(out, report);
  }
}

function tell(out: Output, notice: SyncNotice): void {
  if (out.json) void out.printJsonLine(notice);
  else if (notice.event === 'failed') out.warn(`${now()}  ${failureText(notice)}`);
  else out.note(`${now()}  ${TEXTS[notice.event](notice)}`);
}

type Other = Exclude<SyncNotice, { event: 'failed' }>;

const TEXTS = {
  leading: () => 'in step with the hub until Ctrl+C',
  standingBy: (notice) => {
    const pid = notice.event === 'standingBy' ? (notice.leader.split('/')[0] ?? '') : '';
    return `standing by: process ${pid} exchanges with the hub; this one goes on when that ends`;
  },
  recovered: () => 'the hub is back: in step again',
  off: () => 'sync was turned off; waiting for it to be turned on',
} satisfies Record<Other['event'], (notice: Other) => string>;

function failureText({ error, retryInMs }: Extract<SyncNotice, { event: 'failed' }>): string {
  const hint = error.hint === '' ? '' : ` ${error.hint}`;
  const wait = retryInMs < 1000 ? 'at once' : `in ${formatSpan(retryInMs)}`;
  return `${error.message}.${hint} Trying again ${wait}, and then again and again.`;
}

const now = () => localTime(new Date().toISOString());
