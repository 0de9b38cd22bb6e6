import { type ConfigEntry, lastValue, parseBoolean } from '../config/entries.ts';

/** Whether a repository leaves objects out that a remote has promised (gitrepository-layout(5), partial clone). */
export function hasPromisor(entries: readonly ConfigEntry[]): boolean {
  if (lastValue(entries, 'extensions', null, 'partialclone') !== undefined) return true;
  return entries.some(
    (e) => e.section === 'remote' && e.name === 'promisor' && parseBoolean(e.value ?? 'true') === true,
  );
}
