import { describe, expect, it } from 'vitest';
import { displayWidth, truncateToWidth } from '../../src/cli/display-width.ts';
import { formatRecord, formatTable, type Column } from '../../src/cli/table.ts';

const plain = (_format: string, text: string) => text;

describe('displayWidth', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['加载器', 6],
    ['ｆｕｌｌ', 8],
    ['ﾊﾝｶｸ', 4],
    ['한국', 4],
    ['🐳', 2],
    ['👩‍💻', 2],
    ['❤️', 2],
    ['🇩🇪', 2],
    ['\u200b', 0],
    ['…‹›', 3],
  ])('of %j is %i', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

describe('truncateToWidth', () => {
  it('cuts between characters and never takes more room than there is', () => {
    expect(truncateToWidth('abc', 3)).toBe('abc');
    expect(truncateToWidth('abcd', 3)).toBe('ab…');
    expect(truncateToWidth('加载器', 4)).toBe('加…');
    expect(truncateToWidth('a👩‍💻b', 3)).toBe('a…');
  });
});

describe('formatTable', () => {
  const columns: Column<{ name: string; count: number }>[] = [
    { header: 'NAME', cell: (row) => row.name, shrinks: true },
    { header: 'COUNT', cell: (row) => row.count, align: 'right' },
  ];
  const rows = [
    { name: '加载器', count: 5 },
    { name: 'a much longer name than that', count: 1234 },
  ];

  it('lines up text on the left and numbers on the right', () => {
    expect(formatTable(rows, columns, plain)).toBe(
      [
        'NAME                          COUNT',
        '加载器                            5',
        'a much longer name than that   1234',
      ].join('\n'),
    );
  });

  it('cuts long text on a narrow terminal, and nothing else', () => {
    expect(formatTable(rows, columns, plain, 22)).toBe(
      ['NAME             COUNT', '加载器               5', 'a much longer …   1234'].join('\n'),
    );
  });
});

describe('formatTable where there is no terminal', () => {
  it('cuts a text that would pad every other row, and nothing else', () => {
    const id = 'x'.repeat(300);
    const columns: Column<string>[] = [
      { header: 'ID', cell: () => id },
      { header: 'PROMPT', cell: (text) => text, shrinks: true },
    ];
    const rows = formatTable(['y'.repeat(120_000), 'short'], columns, plain).split('\n');
    expect(rows.slice(1)).toEqual([`${id}  ${'y'.repeat(199)}…`, `${id}  short`]);
  });
});

describe('formatTable with several long columns', () => {
  const columns: Column<string>[] = [
    { header: 'ID', cell: () => 'x'.repeat(20) },
    { header: 'TITLE', cell: (text) => text, shrinks: true },
    { header: 'FOLDER', cell: (text) => text, shrinks: true },
  ];

  it('leaves the last one out where there is no room', () => {
    const long = 'y'.repeat(50);
    const rows = (width: number) => formatTable([long], columns, plain, width).split('\n')[1];
    const id = 'x'.repeat(20);
    expect(rows(52)).toBe(`${id}  ${'y'.repeat(13)}…  ${'y'.repeat(13)}…`);
    expect(rows(40)).toBe(`${id}  ${'y'.repeat(17)}…`);
    expect(rows(10)).toBe(`${id}  ${'y'.repeat(11)}…`);
  });
});

describe('formatRecord', () => {
  it('puts values of several lines below their name', () => {
    const record = { id: 'x', createdAt: null, details: { a: 1 } };
    expect(formatRecord(record, plain)).toBe(
      ['id          x', 'created at  -', 'details   ', '  {', '    "a": 1', '  }'].join('\n'),
    );
  });
});
