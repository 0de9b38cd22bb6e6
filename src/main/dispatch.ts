import { run } from '@oclif/core/run';
import { packageFolder } from './version.ts';

/** Finds and runs the command that the words name. Apart from gam.ts, so that `gam --version` need not load it. */
export async function dispatch(words: string[]): Promise<void> {
  await run(words, new URL('package.json', packageFolder()).href);
}
