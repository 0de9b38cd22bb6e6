import { existsSync } from 'node:fs';
import { run } from '@oclif/core/run';

/** gam's package.json: the first above this file, wherever the bundler has put it. */
function packageFile(): string {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder)) && folder.pathname !== '/')
    folder = new URL('..', folder);
  return new URL('package.json', folder).href;
}

/** Finds and runs the command that the words name. Apart from gam.ts, so that `gam --version` need not load it. */
export async function dispatch(words: string[]): Promise<void> {
  await run(words, packageFile());
}
