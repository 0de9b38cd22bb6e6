import type { WebUrl } from '../protocol/git-url.ts';

/** The words behind `git` that start git's own helper for a web URL. */
export function webHelper(remote: string, url: WebUrl, config: readonly string[] = []): string[] {
  return [...config, `remote-${url.scheme}`, remote, url.url];
}
