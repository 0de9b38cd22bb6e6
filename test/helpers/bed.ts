import { cpSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { type Line, type LineOptions, openLine } from './line.ts';
import { logPacks, type PackLog } from './pack-log.ts';
import { makePair, type Pair } from './pair.ts';
import type { Scheme } from './place.ts';
import { setOrigin } from './repository.ts';
import { makeSandbox, type Sandbox } from './sandbox.ts';

/** What most end-to-end tests lie on: a sandbox, mirrors on one web server, and pairs of users. */
export interface Bed {
  readonly sandbox: Sandbox;
  /** Serves `mirrors/` of the sandbox. */
  readonly mirrors: HttpServer;
  readonly packs: PackLog;
  /** The URL of a repository in `mirrors/`. */
  mirror(repository: string): string;
  /** Opens a line, to the mirrors where no port is named, that ends with the bed. */
  line(options?: Partial<LineOptions>): Promise<Line>;
  /** Has gam forget what earlier tests have shown of the mirrors, and try them in the order of the configuration. */
  forgetMirrors(): Promise<void>;
  /** Makes a pair whose canonical is a copy of `source`, in a folder named after the test. */
  pair(source: string, name: string, scheme?: Scheme): Promise<Pair>;
  /** Gives both sides of a pair a copy of a clone, whose remote is then canonical. */
  adopt(pair: Pair, clone: string, as: string): Promise<void>;
  /** Pack bytes since the last call of forget() on `packs`. */
  sent(pair: Pair): { plain: number; canonical: number; mirrors: number };
  close(): Promise<void>;
}

/** Makes an empty bed; the tests put repositories into it. */
export async function makeBed(): Promise<Bed> {
  const sandbox = makeSandbox();
  const closing: (() => Promise<void>)[] = [];
  // git before 2.26 speaks version 0 unless it is told.
  await sandbox.git(['config', '--global', 'protocol.version', '2']);
  const packs = await logPacks(sandbox);
  const forgetMirrors = () => rm(sandbox.path('home/.local/state'), { recursive: true, force: true });
  const mirrors = await startHttpServer({
    root: sandbox.path('mirrors'),
    env: sandbox.serverEnv,
  });
  closing.push(() => mirrors.close());
  return {
    sandbox,
    mirrors,
    packs,
    forgetMirrors,
    mirror: (repository) => `${mirrors.url}/${repository}`,
    async line(options = {}) {
      const line = await openLine({ to: mirrors.port, ...options });
      closing.push(() => line.close());
      return line;
    },
    async pair(source, name, scheme = 'http') {
      await forgetMirrors();
      const pair = await makePair(sandbox, source, scheme, name.replaceAll(/[^\w.-]+/g, '-'));
      closing.push(() => pair.close());
      return pair;
    },
    async adopt(pair, clone, as) {
      await pair.both(({ cwd, url }) => {
        cpSync(sandbox.path(clone), sandbox.path(cwd, as), { recursive: true });
        setOrigin(sandbox, `${cwd}/${as}`, { url });
      });
    },
    sent: (pair) => ({
      plain: packs.sentFrom(pair.plain.place.folder),
      canonical: packs.sentFrom(pair.gam.place.folder),
      mirrors: packs.sentFrom('mirrors'),
    }),
    async close() {
      for (const end of closing) await end();
      await sandbox.close();
    },
  };
}
