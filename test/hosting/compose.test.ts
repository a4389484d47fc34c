import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseEnv, readCompose } from '../support/compose-file.ts';
import { setupComposeHub } from '../support/compose-hub.ts';

describe('docker-compose.yml', () => {
  it('is refused without what hub init writes', () => {
    expect(() => readCompose({})).toThrow(/HUB_[A-Z_]+ is missing: run "codewhale-store hub init/);
    const keys = { HUB_JWT_PUBLIC_KEY: 'x', HUB_ADMIN_KEY: 'y' };
    expect(() => readCompose(keys)).toThrow(/HUB_DOMAIN is missing/);
  });

  it('publishes the proxy and the replica only, the latter on the loopback', async () => {
    const { file } = await setupComposeHub();
    const ports = Object.entries(file.services).map(([name, { ports }]) => [name, ports]);
    expect(Object.fromEntries(ports)).toEqual({
      hub: undefined,
      caddy: ['80:80', '443:443', '443:443/udp'],
      private: ['127.0.0.1:8080:8080'],
      replica: ['127.0.0.1:8082:8080'],
      backup: undefined,
      restore: undefined,
    });
    expect(file.services['hub']?.networks).toEqual(['inside']);
    expect(file.networks['inside']).toEqual({ internal: true });
    // The admin interface is on the loopback of the container, where nobody else is.
    expect(file.services['hub']?.environment['SQLD_ADMIN_LISTEN_ADDR']).toMatch(/^127\.0\.0\.1:/);
    expect(file.services['replica']?.environment).not.toHaveProperty('SQLD_ADMIN_LISTEN_ADDR');
  });

  it('pins its images and takes away what the services do not need', async () => {
    const { file } = await setupComposeHub();
    for (const [name, service] of Object.entries(file.services)) {
      expect(service.image, name).toMatch(/:v?\d+\.\d+\.\d+(-alpine)?$/);
      expect(service.cap_drop, name).toEqual(['ALL']);
      expect(service.read_only, name).toBe(true);
      expect(service.security_opt, name).toEqual(['no-new-privileges:true']);
      // Compose cannot copy one into a read-only container.
      expect(service, name).not.toHaveProperty('configs');
    }
    expect(file.services['hub']?.image).toMatch(/libsql-server:v0\.24\./);
  });
});

describe('the hub of docker-compose.yml', () => {
  it('lets in who has a token, keeps its admin interface shut, and commits durably', async () => {
    const hub = await setupComposeHub();
    await hub.start();
    expect((await hub.health('hub', { LIBSQL_ADMIN_AUTH_KEY: 'wrong' })).code).not.toBe(0);
    await hub.untilHealthy();
    expect((await hub.ask('select 1', undefined)).status).toBe(401);
    expect((await hub.ask('select 1', `${hub.token.slice(0, -4)}AAAA`)).status).toBe(401);
    expect(await hub.query('select 1 + 1')).toEqual([['2']]);
    expect(await hub.durability('wrong')).toBe('401');
    expect(await hub.durability()).toBe('strong');
  });

  it('is not healthy before its commits are durable, whoever started it', async () => {
    const hub = await setupComposeHub();
    expect((await hub.health()).code).not.toBe(0);
    const first = await hub.start();
    await hub.untilHealthy();
    await hub.query('create table t (a)');
    // As after a crash, where Docker starts the container again and nothing else.
    await first.end('SIGKILL');
    await hub.start();
    await hub.untilHealthy();
    expect(await hub.durability()).toBe('strong');
    expect(await hub.query('select count(*) from t')).toEqual([['0']]);
  });

  it('is followed by the replica', async () => {
    const hub = await setupComposeHub();
    await hub.start();
    await hub.untilHealthy();
    await hub.query('create table t (a)');
    await hub.start('replica');
    await hub.untilHealthy('replica');
    const replica = `http://127.0.0.1:${hub.ports.replica}`;
    await hub.query("insert into t values ('first')");
    await expect
      .poll(() => hub.query('select a from t', replica), { timeout: 30_000 })
      .toEqual([['first']]);
    expect((await hub.ask('select a from t', undefined, replica)).status).toBe(401);
  });
});

describe('backup and restore', () => {
  it('bring back a lost volume', async () => {
    const hub = await setupComposeHub();
    mkdirSync(join(hub.dir, 'backups'));
    const container = await hub.start();
    await hub.untilHealthy();
    await hub.query('create table t (a)');
    await hub.query("insert into t values ('kept')");
    await container.end();
    const { code, stdout, stderr } = await hub.runOnce('backup');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(readdirSync(join(hub.dir, 'backups'))).toEqual([stdout.trim()]);

    rmSync(join(hub.dir, 'hub'), { recursive: true });
    expect(await hub.runOnce('restore', stdout.trim())).toMatchObject({ code: 0, stderr: '' });
    await hub.start();
    await hub.untilHealthy();
    expect(await hub.query('select a from t')).toEqual([['kept']]);
  });

  it('keep what a restore replaces, and change nothing when the file is not there', async () => {
    const hub = await setupComposeHub();
    mkdirSync(join(hub.dir, 'backups'));
    const container = await hub.start();
    await hub.untilHealthy();
    await container.end();
    const { stdout } = await hub.runOnce('backup');
    expect((await hub.runOnce('restore', 'other.tar.gz')).code).not.toBe(0);
    expect(existsSync(join(hub.dir, 'hub'))).toBe(true);
    expect((await hub.runOnce('restore')).code).not.toBe(0);
    expect((await hub.runOnce('restore', stdout.trim())).code).toBe(0);
    const names = readdirSync(hub.dir);
    expect(names.filter((name) => name.startsWith('hub-until-'))).toHaveLength(1);
    expect(names.filter((name) => name.startsWith('restoring-'))).toEqual([]);
  });

  it('refuse while the hub runs', async () => {
    const hub = await setupComposeHub();
    mkdirSync(join(hub.dir, 'backups'));
    await hub.start();
    await hub.untilHealthy();
    for (const service of ['backup', 'restore'] as const) {
      const { code, stderr } = await hub.runOnce(service, 'x');
      expect(code).toBe(75);
      expect(stderr).toContain('the hub is running');
    }
    expect(readdirSync(join(hub.dir, 'backups'))).toEqual([]);
  });
});

it('reads .env as hub init writes it', async () => {
  const { file } = await setupComposeHub();
  expect(file.services['caddy']?.environment['HUB_SITE']).toBe('localhost');
  expect(parseEnv('# a\nA=b=c\n\n')).toEqual({ A: 'b=c' });
});
