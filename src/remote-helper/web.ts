import { GamError } from '../errors.ts';
import { startProcess } from '../git/process.ts';
import type { WebUrl } from '../protocol/git-url.ts';
import { redactUrl } from '../protocol/redact.ts';
import { startWebHelper, webHelper } from '../transport/web.ts';
import { beginLazyRoute } from './begin-route.ts';
import type { HelperContext } from './context.ts';
import { write } from './flow.ts';
import { runUploadPack } from './upload-pack.ts';
import { passCommands } from './web-commands.ts';

/**
 * The conversation with git for canonical servers on the web: git's own helper leads it, with everything it
 * can do. Only where git opens an upload-pack in protocol v2 (`stateless-connect`) do mirrors come in.
 *
 * @throws GamError `bad-config` when the launcher has begun to talk to another one
 */
export async function converseByWebHelper(context: HelperContext, url: WebUrl): Promise<number> {
  const { env, guess, leadIn, interrupt } = context.process;
  const words = webHelper(context.remote ?? context.canonicalUrl, url, env);
  const [command, ...args] = words;
  const isRight = (started: { words: readonly string[] } | null) =>
    started?.words.join('\0') === words.join('\0');
  if (leadIn !== null && !isRight(leadIn)) {
    leadIn.end();
    throw movedOn(context.canonicalUrl);
  }
  const direct = context.mirrors.length === 0 && !context.staged && leadIn === null;
  // It was started before all was known.
  const guessed = !direct && isRight(guess);
  if (guess && !guessed) guess.end();
  if (direct) {
    const { status } = await startProcess(command, args, { env, stdio: 'inherit' }).exit;
    return status ?? 128;
  }
  context.ahead = beginLazyRoute(context);
  const { web, said } = leadIn?.take() ?? {
    web: guess && guessed ? guess : startWebHelper(words, env),
    said: null,
  };
  const { input, output, exit } = web;
  interrupt.signal.addEventListener('abort', () => web.end());
  if (interrupt.signal.aborted) web.end();
  const connected = await passCommands(context, web, said);
  if (connected) {
    const { canonical, headStart } = connected;
    try {
      return await runUploadPack(context, canonical, null, headStart);
    } finally {
      await headStart.abandon();
      await context.ahead?.abandon();
    }
  }
  await context.ahead?.abandon();
  const git = context.process.streams();
  const up = (async () => {
    for await (const chunk of git.input) await write(input, chunk as Buffer);
    input.end();
  })().catch(() => undefined);
  for await (const chunk of output) await write(git.output, chunk as Buffer);
  void up;
  const { status } = await exit;
  return status ?? 128;
}

// The launcher and this program have read different configurations: somebody was just changing it.
function movedOn(canonicalUrl: string): GamError {
  const message = `the configuration changed while git was starting; canonical is now ${redactUrl(canonicalUrl)}`;
  return new GamError('bad-config', message, { suggestion: 'run the command again' });
}
