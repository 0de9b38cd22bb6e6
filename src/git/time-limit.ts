/**
 * A signal that aborts after so many milliseconds, or with another one.
 *
 * AbortSignal.any() with an AbortSignal.timeout() of its own forgets the time when memory is tidied up meanwhile, as nobody holds that
 * signal (nodejs/node issue 57736; Node 20 has it): pushes waited for locks without an end.
 */
export function timeLimit(ms: number, signal?: AbortSignal): AbortSignal {
  const either = new AbortController();
  const stop = () => either.abort(signal?.reason);
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', stop);
    either.abort(new DOMException(`not within ${ms} ms`, 'TimeoutError'));
  }, ms);
  timer.unref();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  either.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  return either.signal;
}
