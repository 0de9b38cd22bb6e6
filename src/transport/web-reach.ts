import { type Environment, NO_PROMPTS } from '../git/environment.ts';
import { endProcess, startProcess } from '../git/process.ts';
import type { WebUrl } from '../protocol/git-url.ts';
import type { Reach } from './reach.ts';

/** A line of git's trace that tells how a server, or a proxy, has answered a request (git(1), GIT_TRACE_CURL). */
const STATUS = /<= Recv header: HTTP\/[0-9.]+ ([0-9]{3})\b/g;

/** Whether this is the last of what was answered: a server's own word, be it a no. From 500 on nobody had one to give. */
function isWord(status: number | null): boolean {
  return status !== null && status < 500;
}

/**
 * Whether a server on the web has an answer of its own. git's web helper asks once more what it has asked
 * before, so that proxies and certificates are the user's, but without a prompt and without the stored logins:
 * to be asked for one is an answer, too. The status is read from the trace of the conversation; git's own
 * message has none, and may be in any language.
 *
 * @param words `remote`, and the URL, as git's helper gets them
 */
export async function webAnswers(
  remote: string,
  url: WebUrl,
  env: Environment,
  { ms, signal }: Reach,
): Promise<boolean> {
  const args = ['-c', 'credential.helper=', `remote-${url.scheme}`, remote, url.url];
  const traced = { ...env, ...NO_PROMPTS, GIT_TRACE_CURL: '2', GIT_TRACE_CURL_NO_DATA: '1' };
  const { child } = startProcess('git', args, { env: traced, signal });
  const end = () => endProcess(child);
  const timer = setTimeout(end, ms);
  let greeted = false;
  child.stdout?.once('data', () => {
    greeted = true;
    end();
  });
  child.stdin?.on('error', () => undefined);
  child.stdin?.write('stateless-connect git-upload-pack\n');
  let last: number | null = null;
  let text = '';
  try {
    for await (const chunk of child.stderr ?? []) {
      text += String(chunk);
      for (const [, status] of text.matchAll(STATUS)) last = Number(status);
      text = text.slice(text.lastIndexOf('\n') + 1);
    }
  } finally {
    clearTimeout(timer);
    end();
  }
  return greeted || isWord(last);
}
