import type { SearchHit } from '../../index.ts';
import { storeCommand } from '../command.ts';
import { formatCount, localTime, safeLine } from '../format.ts';
import type { Paint } from '../output.ts';
import { choices, paging, variadicArgument } from '../parameters.ts';

export const search = storeCommand({
  name: 'search',
  summary: 'find sessions, messages, tasks and items by their words, best first',
  details:
    'All words must occur, in any language; "a phrase" stays together and word* finds beginnings. ' +
    'The shell takes one pair of quotes away.',
  example: 'search "race condition" --kind session,message',
  access: 'read',
  args: { query: variadicArgument('query', 'the words', 'required') },
  options: {
    kind: choices('kind,...', 'only these', ['session', 'message', 'task', 'item']),
    limit: paging.limit,
  },
  async run({ store, out }, { query, ...options }) {
    const result = await store.search(query.join(' '), options);
    out.print(result, (paint) => result.items.map((hit) => formatHit(hit, paint)).join('\n\n'));
    if (result.items.length === 0) out.note('nothing found');
    if (result.pending > 0) {
      const waiting = formatCount(result.pending, 'imported record');
      out.note(`${waiting} not indexed yet; "codewhale-store doctor --repair" does it`);
    }
  },
});

function formatHit(hit: SearchHit, paint: Paint): string {
  const owner = hit.kind === 'message' ? hit.sessionId : hit.threadId;
  const place = owner === undefined ? hit.id : `${hit.id} in ${owner}`;
  const snippet = safeLine(hit.snippet).replace(/‹([^›]*)›/g, (mark, found: string) => {
    const painted = paint('yellow', found);
    // Without colour the marks stay, as they are what shows the place.
    return painted === found ? mark : painted;
  });
  return [
    paint('bold', safeLine(hit.title) || '(no title)'),
    paint('dim', `${hit.kind} ${place}  ${localTime(hit.at)}`),
    `  ${snippet}`,
  ].join('\n');
}
