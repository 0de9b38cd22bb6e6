import { startHttpServer } from '../../helpers/http-server.ts';
import { type Line, openLine } from '../../helpers/line.ts';
import type { Sandbox } from '../../helpers/sandbox.ts';

/** Milliseconds there and back, and bits per second: between continents, and in an office. */
export const FAR = { roundTrip: 150, rate: 20e6 };
export const NEAR = { roundTrip: 5, rate: 400e6 };
/** A mirror near by that has little to give to each. */
export const CAPPED = { roundTrip: 5, rate: 20e6 };

/** As hosts serve: partial clones, and what lies behind the tips. */
const SERVING = { 'uploadpack.allowFilter': 'true', 'uploadpack.allowAnySHA1InWant': 'true' };

/** One server behind its line. */
export interface Place {
  url: string;
  line: Line;
}

/** The servers that rows measure against. */
export interface Scene {
  canonical: Place;
  /** Canonical itself, with no line in front of it: what a program costs shows here undiluted. */
  atHand: string;
  /** Two mirrors that have everything. */
  fresh: Place;
  second: Place;
  /** One that has everything, as far away as canonical, and with a line as good as those near by. */
  distant: Place;
  /** A mirror as canonical was about 1,000 commits ago. */
  stale: Place;
  /** A mirror that has nothing which the clients of `fetch` rows do not have. */
  old: Place;
  /** Places where nothing listens. */
  dead: readonly [Place, Place];
  /** Two that have everything, each with a thin line. */
  capped: readonly [Place, Place];
  /** Serve files near by, such as bundles, by name: over a good line, and each over a thin one. */
  files: Place;
  cappedFiles: readonly [Place, Place];
  /** Bytes that have come down the lines so far. */
  traffic(): { fromMirrors: number; fromCanonical: number };
  close(): Promise<void>;
}

/** Serves the repositories of a subject, each by a server and a line of its own. */
export async function openScene(sandbox: Sandbox): Promise<Scene> {
  const root = sandbox.path('repositories');
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    await Promise.all(closing.map((end) => end()));
  };
  const serve = async (speaks: 'v2' | 'dumb') => {
    const server = await startHttpServer({
      root,
      env: sandbox.serverEnv,
      speaks,
      config: SERVING,
      greetsAnew: true,
    });
    closing.push(() => server.close());
    return server;
  };
  async function open(
    name: string,
    { roundTrip, rate } = NEAR,
    kind: 'v2' | 'dumb' | 'dead' = 'v2',
  ): Promise<Place> {
    const server = await serve(kind === 'dead' ? 'v2' : kind);
    const shape = { to: server.port, latency: roundTrip / 2, upload: rate, download: rate };
    const line = await openLine(kind === 'dead' ? { ...shape, fault: { kind: 'refuse' } } : shape);
    closing.push(() => line.close());
    return { url: `http://127.0.0.1:${line.port}/${name}`, line };
  }
  try {
    const canonical = await open('canonical.git', FAR);
    const fresh = await open('canonical.git');
    const second = await open('canonical.git');
    const distant = await open('canonical.git', { ...FAR, rate: NEAR.rate });
    const stale = await open('stale.git');
    const old = await open('old.git');
    const dead = [
      await open('canonical.git', NEAR, 'dead'),
      await open('canonical.git', NEAR, 'dead'),
    ] as const;
    const capped = [await open('canonical.git', CAPPED), await open('canonical.git', CAPPED)] as const;
    const files = await open('', NEAR, 'dumb');
    const cappedFiles = [await open('', CAPPED, 'dumb'), await open('', CAPPED, 'dumb')] as const;
    const atHand = `${(await serve('v2')).url}/canonical.git`;
    const mirrors = [fresh, second, distant, stale, old, ...dead, ...capped, files, ...cappedFiles];
    const traffic = () => ({
      fromMirrors: mirrors.reduce((sum, { line }) => sum + line.bytesDown, 0),
      fromCanonical: canonical.line.bytesDown,
    });
    return {
      canonical,
      atHand,
      fresh,
      second,
      distant,
      stale,
      old,
      dead,
      capped,
      files,
      cappedFiles,
      traffic,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
