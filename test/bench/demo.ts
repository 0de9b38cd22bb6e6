import { Screen } from './demo/screen.ts';
import { tellStory } from './demo/story.ts';
import { runInterruptibly } from './interruptible.ts';

// npm run demo [-- <url or path>]: see README. Exit status 1 when a check fails, 130 when interrupted.

const screen = new Screen(process.stdout);
await runInterruptibly(
  async (sandbox) => ((await tellStory(sandbox, screen, process.argv[2])) ? 0 : 1),
  () => screen.clear(),
);
