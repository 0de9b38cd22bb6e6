/**
 * The page's script: puts new figures in place every ten seconds, unless nobody sees the page. It knows nothing of what they
 * mean: the server writes them as text (live.ts), so that nothing is worded twice.
 */
export const SCRIPT = `
'use strict';
(() => {
  const note = document.getElementById('freshness');
  const parts = new Map();
  for (const part of document.querySelectorAll('[data-live]')) parts.set(part.dataset.live, part);
  const tell = (text, offersReload) => {
    if (note.dataset.told === text) return;
    note.dataset.told = text;
    note.textContent = text;
    if (!offersReload) return;
    const link = document.createElement('a');
    link.href = '';
    link.textContent = 'Reload';
    note.append(' ', link, ' to see them.');
  };
  const put = ([key, [text, state]]) => {
    const part = parts.get(key);
    if (part === undefined) return false;
    const into = part.querySelector('title') ?? part;
    if (into.textContent !== text) into.textContent = text;
    if (state === null) delete part.dataset.state;
    else part.dataset.state = state;
    return true;
  };
  let busy = false;
  const refresh = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch('status.json', { signal: AbortSignal.timeout(20000) });
      if (!answer.ok) throw new Error();
      const placed = Object.entries((await answer.json()).shown).map(put);
      const same = placed.length === parts.size && placed.every(Boolean);
      tell(same ? 'New figures come every 10 seconds.' : 'Repositories or mirrors have changed.', !same);
    } catch {
      tell('The server does not answer; the figures are old.', false);
    }
    busy = false;
  };
  tell('New figures come every 10 seconds.', false);
  setInterval(refresh, 10000);
  document.addEventListener('visibilitychange', refresh);
})();
`;
