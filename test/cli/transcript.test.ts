import { expect, it } from 'vitest';
import { formatTranscript } from '../../src/cli/transcript.ts';

const plain = (_format: string, text: string) => text;
const show = (content: unknown) =>
  formatTranscript([{ id: 'm', role: 'assistant', createdAt: null, content }], plain);

it('a transcript shows blocks for people: indented, whole lines, nothing for the provider alone', () => {
  const content = [
    { type: 'thinking', thinking: 'first\n\nthen', signature: 'c2ln', state: { id: 1 } },
    { type: 'text', text: 'Let me look.' },
    { type: 'tool_use', id: 'c1', name: 'shell', input: { cmd: 'ls\npwd', deep: { n: [1, 'x'] } } },
    { type: 'tool_result', tool_use_id: 'c1', content: '\u001b[32mok\u001b[0m\n', is_error: true },
    { type: 'later', a: true },
  ];
  expect(show(content)).toBe(
    [
      'assistant  m',
      '[thinking]',
      '  first',
      '',
      '  then',
      'Let me look.',
      '[tool_use shell]',
      '  cmd:',
      '    ls',
      '    pwd',
      '  deep:',
      '    n:',
      '      - 1',
      '      - x',
      '[tool_result, an error]',
      '  ok',
      '[later]',
      '  a: true',
    ].join('\n'),
  );
});

it('a transcript cuts what is very long, with a note, but not what was said', () => {
  const long = 'x'.repeat(5000);
  const text = show([
    { type: 'tool_result', content: long },
    { type: 'text', text: long },
  ]);
  expect(text).toContain(
    `  ${'x'.repeat(2000)}\n  … 3000 characters more; all of it with --json\n`,
  );
  expect(text.endsWith(`\n${long}`)).toBe(true);
});
