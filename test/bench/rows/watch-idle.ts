import { LARGEST_MEMORY, MEMORY_AT_REST, PROCESSOR } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { importFiles, restOf, serveBare, watchClone } from '../measure/watched.ts';

const FILES = 50_000;
/** A full minute has some sixty looks at the remote in it. */
const REST_MS = 60_000;

export const WATCH_IDLE: Row = {
  name: 'watch-idle',
  title: `\`gam watch run\` on a folder of ${FILES} files with a remote on the web, in a minute in which nothing happens (on Linux)`,
  aim: 'at most 120 MB, and 0.5 % of one core, with all that it starts',
  rounds: 3,
  async set(stage) {
    const { url } = await serveBare(stage, 'idle');
    await importFiles(stage, 'idle', FILES);
    const watching = await watchClone(stage, 'idle', url);
    return {
      ways: [{ title: 'gam watch', run: () => restOf(watching, REST_MS) }],
      figures: [MEMORY_AT_REST, LARGEST_MEMORY, PROCESSOR],
    };
  },
};
