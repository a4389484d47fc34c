import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { remoteUrl } from '../../src/model/git-config.ts';
import { normalizeRemote, placeOf } from '../../src/model/workspace.ts';

const normal = (url: string) => normalizeRemote(url, '/home/u/proj', 'DEV');

const nameArb = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.~-]{0,12}[A-Za-z0-9_]$/);
const hostArb = fc
  .array(fc.stringMatching(/^[a-z0-9]{2,8}$/), { minLength: 2, maxLength: 3 })
  .map((labels) => `${labels.join('.')}.example`);
const SECRET = 'canary7secret';

describe('the remote of a repository', () => {
  it('is the same however it is reached, and holds no secret', () => {
    const spelling = fc.record({
      host: hostArb,
      path: fc.array(nameArb, { minLength: 1, maxLength: 4 }).map((names) => names.join('/')),
      user: fc.constantFrom('', 'git@', `${SECRET}@`, `u:${SECRET}@`, `u:p@${SECRET}@`),
      port: fc.constantFrom('', ':22', ':8443'),
      scheme: fc.constantFrom('ssh', 'https', 'HTTP', 'git', 'git+ssh', 'scp'),
      end: fc.constantFrom('', '/', '//', '.git', '.git/'),
      upper: fc.boolean(),
    });
    fc.assert(
      fc.property(spelling, ({ host, path, user, port, scheme, end, upper }) => {
        fc.pre(!/\.git$/.test(path));
        const spelled = upper ? host.toUpperCase() : host;
        const url =
          scheme === 'scp'
            ? `${user}${spelled}:${path}${end}`
            : `${scheme}://${user}${spelled}${port}/${path}${end}`;
        expect(normal(url), url).toBe(`${host}/${path}`);
        expect(normal(`https://${host}/${path}?private_token=${SECRET}#${SECRET}`)).toBe(
          `${host}/${path}`,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('takes any text, keeps to its form, and stays as it is when it is normal already', () => {
    const part = fc.oneof(
      fc.constantFrom('://', '@', ':', '/', '//', '.git', '[::1]', 'https', 'file', '..', '?', '#'),
      fc.string({ unit: 'binary', maxLength: 6 }),
      nameArb,
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const remote = normal(parts.join(''));
        if (remote === undefined) return;
        expect(remote).toMatch(/^[^/]+(\/[^/]+)+$/);
        // What a URL spells in another way than `user@host:path` does.
        if (remote.startsWith('DEV/') || /\.git$|[?#]/.test(remote)) return;
        expect(normal(`https://${remote}`)).toBe(remote);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['git@GitHub.com:Org/Repo.git', 'github.com/Org/Repo'],
    ['ssh://git@github.com:22/Org/Repo', 'github.com/Org/Repo'],
    ['ssh://git@[2001:DB8::1]:2222/x/y.git', '[2001:db8::1]/x/y'],
    ['[2001:db8::1]:x/y', '[2001:db8::1]/x/y'],
    ['host:/srv/git/x.git', 'host/srv/git/x'],
    ['https://host/@scope/x', 'host/@scope/x'],
    ['file://server/share/x.git', 'server/share/x'],
  ])('%s is %s', (url, remote) => {
    expect(normal(url)).toBe(remote);
  });

  it.each([
    ['/srv/git/x.git', 'DEV/srv/git/x'],
    ['file:///srv/git/x.git/', 'DEV/srv/git/x'],
    ['../upstream/.git', 'DEV/home/u/upstream'],
    ['upstream', 'DEV/home/u/proj/upstream'],
    ['http://localhost:3000/org/x.git', 'DEV/org/x'],
    ['git@127.0.0.1:org/x', 'DEV/org/x'],
    ['ssh://[::1]/org/x', 'DEV/org/x'],
  ])('%s is of this machine alone: %s', (url, remote) => {
    expect(normal(url)).toBe(remote);
  });

  it.each([
    '/',
    'https://host',
    'https://host/.git',
    'https:///x',
    'https://host:port/x',
    'ext::sh -c "echo canary"',
    'codecommit::eu://me@x',
    'https://host/a\nb',
    `https://host/${'x'.repeat(3000)}`,
    // A password with a bare slash in it.
    `https://user:1/${SECRET}@host/org/x`,
    `user:1/${SECRET}@host:org/x`,
  ])('%j says nothing', (url) => {
    expect(normal(url)).toBeUndefined();
  });

  it('goes with the path below the root', () => {
    const repository = { root: '/home/u/proj', url: 'h.example:x' };
    const at = (path: string) => placeOf(path, repository, 'DEV')?.relativePath;
    expect(at('/home/u/proj')).toBe('');
    expect(at('/home/u/proj/')).toBe('');
    expect(at('/home/u/proj/a/./b/')).toBe('a/b');
  });
});

describe('the config of a repository', () => {
  it('names the URL of origin, else of the first remote', () => {
    expect(remoteUrl('[remote "b"]\nurl = one\n[remote "origin"]\nurl = two\n')).toBe('two');
    expect(remoteUrl('[remote "b"]\n url = one\n[remote "a"]\nurl = two')).toBe('one');
    expect(remoteUrl('[remote "origin"]\nurl = one\nurl = two\npushurl = three')).toBe('one');
    expect(remoteUrl('[remote "origin"]\nurl = one\nurl =\nurl = two')).toBe('two');
    expect(remoteUrl('[core]\nurl = no\n[branch "origin"]\nurl = no\n')).toBeUndefined();
    expect(remoteUrl('')).toBeUndefined();
  });

  it('is read as git spells it', () => {
    expect(remoteUrl('\uFEFF[REMOTE "origin"]\r\n\tURL = x ; why\r\n\tmirror\r\n')).toBe('x');
    expect(remoteUrl('[remote.origin] url = x#y')).toBe('x');
    expect(remoteUrl('[remote "origin"] # note \\\nurl = "a #b" c  \n')).toBe('a #b c');
    expect(remoteUrl('[remote "origin"]\nurl = one\\\ntwo\\\\\nfetch = x')).toBe('onetwo\\');
    expect(remoteUrl('[remote "o\\"r"]\n  url = "x\\t\\"y\\""')).toBe('x\t"y"');
    // Names of remotes count with their case.
    expect(remoteUrl('[remote "Origin"]\nurl = no\n[remote "origin"]\nurl = x')).toBe('x');
  });

  it.each([
    '[remote "origin"\nurl = x',
    '[remote "origin"]\nurl = "x',
    '[remote "origin"]\nurl = \\x',
    '<<<<<<< HEAD\n[remote "origin"]\nurl = x',
    '\u0000\u0001\u0002',
  ])('%j is broken and names nothing', (config) => {
    expect(remoteUrl(config)).toBeUndefined();
  });

  it('may hold anything', () => {
    const part = fc.oneof(
      fc.constantFrom('[remote "origin"]', '\n', 'url = ', '\\', '"', '#', '[', ']', '\r\n'),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const url = remoteUrl(parts.join(''));
        expect(url).not.toBe('');
      }),
    );
  });
});
