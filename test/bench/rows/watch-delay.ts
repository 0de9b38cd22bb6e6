import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { openLine } from '../../helpers/line.ts';
import { TIME } from '../measure/figures.ts';
import type { Row, Sample } from '../measure/row.ts';
import { importFiles, serveBare, watchClone } from '../measure/watched.ts';

/** Milliseconds one way, and bits per second, of either machine's line to the remote. */
const AWAY = { latency: 50, upload: 20e6, download: 20e6 };
/** A file that has not come by then never will. */
const PATIENCE_MS = 120_000;
/** Looks at the remote are a second apart: files are not to be saved in step with them. */
const LONGEST_REST_MS = 3000;

export const WATCH_DELAY: Row = {
  name: 'watch-delay',
  title:
    'From a file that is saved to the same file on another machine, each 100 ms there and back from the remote',
  aim: 'at most 3 s with what is preset',
  rounds: 11,
  async set(stage) {
    const { port, path } = await serveBare(stage, 'delay');
    await importFiles(stage, 'delay', 100);
    const lines = [await openLine({ to: port, ...AWAY }), await openLine({ to: port, ...AWAY })];
    const [here, there] = await Promise.all(
      lines.map((line, n) => watchClone(stage, `delay-${n}`, `http://127.0.0.1:${line.port}${path}`)),
    );
    let count = 0;
    const run = async (): Promise<Sample> => {
      await pause(LONGEST_REST_MS / 2 + (Math.random() * LONGEST_REST_MS) / 2);
      const name = `saved-${(count += 1)}`;
      const start = performance.now();
      writeFileSync(stage.sandbox.path(here?.folder ?? '', name), 'saved\n');
      const arrived = stage.sandbox.path(there?.folder ?? '', name);
      while (!existsSync(arrived)) {
        if (performance.now() - start > PATIENCE_MS) throw new Error(`${name} has not come`);
        await pause(5);
      }
      return { time: performance.now() - start, fromMirrors: 0, fromCanonical: 0 };
    };
    return {
      ways: [{ title: 'gam watch', run }],
      figures: [TIME],
      close: async () => {
        await Promise.all(lines.map((line) => line.close()));
      },
    };
  },
};
