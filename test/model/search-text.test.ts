import fc from 'fast-check';
import Database from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { indexText, matchQuery, snippet } from '../../src/model/search-text.ts';

/** A real FTS5 table, as the store makes it. */
function setupIndex() {
  const db = new Database(':memory:');
  onTestFinished(() => {
    db.close();
  });
  db.exec(
    `create virtual table search using fts5(text, content='', contentless_delete=1,
       tokenize='unicode61 remove_diacritics 2')`,
  );
  const insert = db.prepare('insert into search(text) values (?)');
  const select = db.prepare('select rowid from search where search match ? order by rowid');
  return {
    clear: () => db.exec('delete from search'),
    add: (text: string) => Number(insert.run(indexText(text)).lastInsertRowid),
    find: (query: string): number[] => {
      const expression = matchQuery(query);
      if (expression === null) return [];
      return (select.all(expression) as { rowid: number }[]).map((row) => row.rowid);
    },
  };
}

const CJK = Array.from('数据库组件测试React用の東京都カタカナー가나다데이터𠀀々ไทยกำลัง');
const cjkText = fc
  .array(fc.constantFrom(...CJK.filter((c) => c > '\x7f')), { minLength: 1, maxLength: 12 })
  .map((chars) => chars.join(''));
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom(...CJK, ...Array.from('aB _."*()-^:\0\x1e\u0301ﾞＡ组 件')),
    maxLength: 40,
  }),
);

describe('indexText', () => {
  it('returns plain ASCII as it is', () => {
    const text = 'plain words, snake_case and /a/path.ts: 42\0';
    expect(indexText(text)).toBe(text);
  });

  it('stores unspaced scripts as pairs and the last character', () => {
    expect(indexText('数据库')).toBe('数据 据库 库');
    expect(indexText('用React组件，好')).toBe('用 React 组件 件 , 好');
    expect(indexText('ｺﾝﾎﾟ')).toBe('コン ンポ ポ');
    expect(indexText('𠀀𠀁')).toBe('𠀀𠀁 𠀁');
  });

  it('adds the parts of names once', () => {
    expect(indexText('getUserName, getUserName(HTTPServer) URLs')).toBe(
      'getUserName, getUserName(HTTPServer) URLs\x1e get User Name HTTP Server',
    );
    const base64 = `${'aB1'.repeat(30)}=`;
    expect(indexText(base64)).toBe(base64);
  });

  it('changes nothing when it is applied again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(indexText(indexText(text))).toBe(indexText(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes no text that makes it hang', () => {
    const prose = 'the quick brown fox, jumps over the lazy dog; '.repeat(1500);
    const texts = [
      prose,
      'A'.repeat(65536),
      'aB'.repeat(32768),
      '数'.repeat(65536),
      'A\u0301'.repeat(32768),
    ];
    for (const text of texts) {
      const start = performance.now();
      indexText(text);
      // A deadline, not a speed: a thousand times what is measured, far below quadratic time.
      expect(performance.now() - start).toBeLessThan(3000);
    }
  });
});

describe('matchQuery', () => {
  it('ANDs words, keeps phrases, and takes a trailing star as a prefix', () => {
    expect(matchQuery('foo "bar baz" qux*')).toBe('"foo" AND "bar baz" AND "qux" *');
    expect(matchQuery('“foo bar”')).toBe('"foo bar"');
    expect(matchQuery('"never closed')).toBe('"never closed"');
    expect(matchQuery('foo foo')).toBe('"foo"');
  });

  it('knows no operators', () => {
    expect(matchQuery('a OR b')).toBe('"a" AND "OR" AND "b"');
    expect(matchQuery('text:x ^y NEAR(z)')).toBe('"text:x" AND "y" AND "NEAR(z"');
  });

  it.each(['', ' ', '*', '""', '" "', '&& ||', '😀', '\0', '\ud800', '。、', '\u0301'])(
    'finds nothing to search in %j',
    (query) => {
      expect(matchQuery(query)).toBeNull();
    },
  );

  it('bounds what it makes of a huge query', () => {
    const { add, find } = setupIndex();
    for (const text of [
      'x'.repeat(100_000),
      'word '.repeat(20_000),
      '库'.repeat(100_000),
      'aB'.repeat(50_000),
    ]) {
      const id = add(text);
      expect(matchQuery(text)?.length).toBeLessThan(8000);
      expect(find(text)).toContain(id);
    }
    const many = Array.from({ length: 1000 }, (_, i) => `a${i}`).join(' ');
    expect(matchQuery(many)?.split(' AND ')).toHaveLength(32);
  });

  it('never makes an expression that SQLite refuses', () => {
    const { add, find } = setupIndex();
    add('some text');
    fc.assert(
      fc.property(
        fc.oneof(anyText, fc.string({ unit: 'binary', minLength: 900, maxLength: 3000 })),
        (query) => {
          expect(() => find(query)).not.toThrow();
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('the index and the query together', () => {
  it.each([
    ['use snake_case here', 'snake'],
    ['use snake_case here', 'snake_case'],
    ['fooBar.baz = 1', 'bar'],
    ['fooBar.baz = 1', 'foobar.BAZ'],
    ['fooBar.baz = 1', '"fooBar.baz = 1"'],
    ['call getUserName now', 'getUser'],
    ['call getUserName now', 'user_name'],
    ['call getUserName now', '"call getusername now"'],
    ['open src/model/searchText.ts', 'src/model/searchtext.ts'],
    ['open src/model/searchText.ts', 'model text'],
    ['C:\\Users\\ada\\x.log', 'C:\\Users\\ada'],
    ['我们用React组件渲染', 'React组件'],
    ['我们用 React 组件渲染', 'React组件'],
    ['我们用React组件渲染', '用react'],
    ['ｺﾝﾎﾟｰﾈﾝﾄの設計', 'コンポーネント'],
    ['コンポーネントの設計', 'ｺﾝﾎﾟｰﾈﾝﾄ'],
    ['ＡＰＩ設計', 'api'],
    ['데이터베이스를 만든다', '베이스'],
    ['กำลังทดสอบ', 'ทดสอบ'],
    ['naïve café', 'naive cafe\u0301'],
    ['हिन्दी भाषा', 'हिन्दी'],
    ['only 件', '件'],
    ['a\0b', 'b'],
  ])('finds %j by %j', (text, query) => {
    const { add, find } = setupIndex();
    add('something else 其他');
    const id = add(text);
    expect(find(query)).toEqual([id]);
  });

  it.each([
    ['数据 库', '数据库'],
    ['据数库', '数据'],
    ['foobar', 'foo'],
    ['foo x bar', '"foo bar"'],
    ['React 的组件', 'React组件'],
  ])('does not find %j by %j', (text, query) => {
    const { add, find } = setupIndex();
    add(text);
    expect(find(query)).toEqual([]);
  });

  it('finds a document by each substring of its unspaced text', () => {
    const { add, find, clear } = setupIndex();
    // A voiced mark that follows makes another character of the last one: タ and ﾞ are ダ.
    const document = fc
      .tuple(anyText, cjkText, anyText)
      .filter(([, run, after]) =>
        (run + after).normalize('NFKC').startsWith(run.normalize('NFKC')),
      );
    fc.assert(
      fc.property(
        document,
        fc.nat(),
        fc.integer({ min: 1, max: 4 }),
        ([before, run, after], at, length) => {
          clear();
          const id = add(before + run + after);
          const chars = Array.from(run);
          const part = chars.slice(at % chars.length, (at % chars.length) + length).join('');
          if (matchQuery(part) !== null) expect(find(part)).toEqual([id]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('finds a document by each of its words', () => {
    const { add, find, clear } = setupIndex();
    const word = fc.string({
      unit: fc.constantFrom(...Array.from('abcXYZ019_éßñЖω')),
      minLength: 1,
      maxLength: 9,
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(word, cjkText), { minLength: 1, maxLength: 8 }), (words) => {
        clear();
        const id = add(words.join(' '));
        for (const each of words.filter((w) => matchQuery(w) !== null)) {
          expect(find(each)).toEqual([id]);
          expect(find(each.slice(0, 3) + '*').length).toBe(
            matchQuery(each.slice(0, 3)) === null ? 0 : 1,
          );
        }
        const all = words.join(' ');
        if (matchQuery(`"${all}"`) !== null) expect(find(`"${all}"`)).toEqual([id]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('snippet', () => {
  const filler = 'lorem ipsum dolor sit amet '.repeat(50);

  it('shows the place where most words stand together', () => {
    const text = `${filler}first needle. ${filler}a needle in a haystack ${filler}`;
    const line = snippet(text, 'haystack needle', { lengthMax: 60 });
    expect(line).toContain('a ‹needle› in a ‹haystack› lorem');
    expect(line).toMatch(/^….*…$/);
  });

  it.each([
    ['getUserName()', 'user', 'get‹User›Name()'],
    ['getUserName()', 'getuser', '‹getUser›Name()'],
    ['use snake_case', 'snake_case', 'use ‹snake_case›'],
    ['foobar foo', 'foo', 'foobar ‹foo›'],
    ['foobar foo', 'foo*', '‹foo›bar ‹foo›'],
    ['使用React组件渲染', 'React组件', '使用‹React组件›渲染'],
    ['ｶﾞｲﾄﾞ', 'ガイド', '‹ｶﾞｲﾄﾞ›'],
    ['cafe\u0301s cafe\u0301', 'café', 'cafe\u0301s ‹cafe\u0301›'],
    ['a ﬁle', 'file', 'a ‹ﬁle›'],
    ['a \n\t b\0\x1b[31mc', 'b', 'a ‹b› c'],
    ['no hit', 'other', 'no hit'],
    ['no words', '😀', 'no words'],
    ['', 'x', ''],
  ])('of %j for %j is %j', (text, query, line) => {
    expect(snippet(text, query)).toBe(line);
  });

  it('takes other marks', () => {
    expect(snippet('a b', 'b', { marks: ['<b>', '</b>'] })).toBe('a <b>b</b>');
  });

  it('keeps to its length and to whole characters', () => {
    const units = ['a', ' ', 'é', 'e\u0301', '组', '😀', '👨‍👩‍👧', '🇩🇪', 'ｶﾞ', 'foo', '\n'];
    const text = fc
      .array(fc.constantFrom(...units), { maxLength: 80 })
      .map((parts) => parts.join(''));
    const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
    fc.assert(
      fc.property(
        text,
        fc.constantFrom('foo', '组', 'é a', 'x', 'ガ*'),
        fc.nat(40),
        (t, query, lengthMax) => {
          const line = snippet(t, query, { lengthMax, marks: ['', ''] });
          const flat = t.replace(/\s+/g, ' ').trim();
          const inner = line.replace(/^…|…$/g, '');
          expect(inner.length).toBeLessThanOrEqual(lengthMax);
          const all = Array.from(segmenter.segment(flat), (s) => s.segment);
          const shown = Array.from(segmenter.segment(inner), (s) => s.segment);
          const starts = all
            .map((_, i) => i)
            .filter((i) => shown.every((s, n) => all[i + n] === s));
          expect(starts.length > 0 || shown.length === 0).toBe(true);
          expect(line).not.toMatch(/\p{Cs}/u);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('takes any text and any query', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.nat(30), (text, query, lengthMax) => {
        expect(() => snippet(text, query, { lengthMax })).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });

  it('is quick for 64 KB', () => {
    for (const text of ['a b '.repeat(16_000), '数据库 é '.repeat(11_000), 'x'.repeat(65_536)]) {
      const start = performance.now();
      snippet(text, 'a b 数据 é x* "b a" foo bar');
      expect(performance.now() - start).toBeLessThan(10_000);
    }
  });
});
