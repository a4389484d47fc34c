import { expect, it } from 'vitest';
import { messageText } from '../../src/model/message-text.ts';

it('text of a message is found in lists and objects of any size, in their order', () => {
  const many = Array.from({ length: 300_000 }, (_, i) => (i === 0 ? 'first' : i));
  const block = { type: 'tool_result', content: [many, Object.assign({}, many), 'last'] };
  expect(messageText({ content: [block] })).toBe('first\nfirst\nlast');
});
