import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { expectClean, expectNoChildren, expectSameRefs } from './evidence.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from './http-server.ts';
import { asFetched } from './refs.ts';
import { addCommits, generateHistory, type RepositoryOptions, setOrigin } from './repository.ts';
import { makeSandbox, type RunInSandbox, type Sandbox } from './sandbox.ts';
import { copyRepository } from './scene.ts';

/** Enough for a mirror that answers at all, on a machine that is busy with other tests. */
const PATIENT = { 'gam.connectTimeout': '20s', 'gam.lowSpeedTime': '10s' };

/** Little, for a mirror that does not answer: what it wastes is a test's time. */
export const IMPATIENT = { 'gam.connectTimeout': '500ms', 'gam.lowSpeedTime': '500ms' };

/** How one command in a scene is run, beside the mirrors. */
export interface Attempt {
  /** `git -c` settings. */
  config?: Readonly<Record<string, string>>;
  env?: RunInSandbox['env'];
  /** Arguments of git clone or git fetch. */
  args?: readonly string[];
  /** The canonical URL, without `mirror::`; the scene's own by default. */
  canonical?: string;
  /** Runs git through another program, as words before `git`. */
  through?: readonly string[];
}

/** What a command in a scene did. */
export interface Outcome {
  /** The repository it worked in, relative to the sandbox. */
  repository: string;
  status: number | null;
  stdout: string;
  stderr: string;
  /** The lines that gam said, without `gam: `. */
  said: string[];
  /** Of these, the ones that pass a mirror over, without the words `passing over`. */
  passedOver: string[];
}

/** A canonical repository, and clones of it that have a mirror to survive. */
export interface HostileScene {
  readonly sandbox: Sandbox;
  /** The canonical repository by its path, absolute. */
  readonly canonical: string;
  /** The same by http, from a server whose requests are logged; started on first use. */
  http(): Promise<HttpServer>;
  /** Starts another http server on a folder of the sandbox, closed with the scene. */
  serve(folder: string, options?: Partial<HttpServerOptions>): Promise<HttpServer>;
  /** Has something closed when the scene closes. */
  add<T extends { close(): Promise<void> }>(thing: T): T;
  /** Clones canonical through gam with these mirrors, whatever comes of it. */
  clone(mirrors: string | readonly string[], attempt?: Attempt): Promise<Outcome>;
  /** A clone as plain git makes it, at a commit that canonical has left behind since. */
  behind(): Promise<string>;
  /** Fetches in such a clone through gam, whatever comes of it. */
  fetch(repository: string, mirrors: string | readonly string[], attempt?: Attempt): Promise<Outcome>;
  /** It went as with plain git: status 0, refs as canonical's, sound, and nothing left behind. */
  expectAsPlain(outcome: Outcome): Promise<void>;
  /** As expectAsPlain(), and each mirror was passed over, in its order, by one line that matches. */
  expectPassedOver(outcome: Outcome, ...lines: readonly RegExp[]): Promise<void>;
  close(): Promise<void>;
}

function settings(mirrors: string | readonly string[], config: Attempt['config'] = {}): string[] {
  const named = [mirrors].flat().map((url) => `remote.origin.mirrorUrl=${url}`);
  const others = Object.entries({ ...PATIENT, ...config }).map(([key, value]) => `${key}=${value}`);
  return [...named, ...others].flatMap((setting) => ['-c', setting]);
}

/** Sets a scene in a sandbox of its own. */
export async function setHostileScene(shape: RepositoryOptions = {}): Promise<HostileScene> {
  const sandbox = makeSandbox();
  const small = { commits: 40, tags: 3, branches: 2, files: 6 };
  const canonical = await generateHistory(sandbox, 'served/canonical.git', { ...small, ...shape });
  const things: { close(): Promise<void> }[] = [];
  let server: Promise<HttpServer> | null = null;
  let made = 0;

  const serve: HostileScene['serve'] = async (folder, options = {}) => {
    const started = await startHttpServer({
      root: sandbox.path(folder),
      env: sandbox.serverEnv,
      ...options,
    });
    things.push(started);
    return started;
  };
  async function run(args: readonly string[], repository: string, attempt: Attempt, cwd = '.') {
    const options: RunInSandbox = { cwd, expectStatus: null };
    if (attempt.env !== undefined) options.env = attempt.env;
    const [command = '', ...words] = [...(attempt.through ?? []), 'git', ...args];
    const { status, stdout, stderr } = await sandbox.run(command, words, options);
    const lines = stderr.split(/[\r\n]/).filter((line) => line.startsWith('gam: '));
    const said = lines.map((line) => line.slice('gam: '.length));
    const passedOver = said
      .filter((line) => line.startsWith('passing over '))
      .map((line) => line.slice('passing over '.length));
    return { repository, status, stdout, stderr, said, passedOver };
  }
  const scene: HostileScene = {
    sandbox,
    canonical,
    serve,
    http: () => {
      server ??= serve('served');
      return server;
    },
    add(thing) {
      things.push(thing);
      return thing;
    },
    async clone(mirrors, attempt = {}) {
      made += 1;
      const to = `clone-${made}`;
      const url = `mirror::${attempt.canonical ?? canonical}`;
      return run(
        [...settings(mirrors, attempt.config), 'clone', ...(attempt.args ?? []), url, to],
        to,
        attempt,
      );
    },
    async behind() {
      if (!existsSync(sandbox.path('behind'))) {
        await sandbox.git(['clone', '-q', canonical, 'behind']);
        await addCommits(sandbox, 'served/canonical.git', 10, { seed: 7 });
      }
      made += 1;
      const to = `behind-${made}`;
      await copyRepository(sandbox, 'behind', to);
      setOrigin(sandbox, to, { url: `mirror::${canonical}` });
      return to;
    },
    async fetch(repository, mirrors, attempt = {}) {
      const args = [...settings(mirrors, attempt.config), 'fetch', ...(attempt.args ?? [])];
      return run(args, repository, attempt, repository);
    },
    async expectAsPlain({ repository, status, stderr }) {
      assert.equal(status, 0, stderr);
      await expectNoChildren(sandbox);
      await expectClean(sandbox, repository);
      await expectSameRefs(sandbox, repository, 'served/canonical.git', asFetched);
    },
    async expectPassedOver(outcome, ...lines) {
      await scene.expectAsPlain(outcome);
      const { passedOver, stderr } = outcome;
      assert.equal(passedOver.length, lines.length, stderr);
      for (const [index, line] of lines.entries()) assert.match(passedOver[index] ?? '', line);
    },
    async close() {
      for (const thing of things) await thing.close();
      await sandbox.close();
    },
  };
  return scene;
}
