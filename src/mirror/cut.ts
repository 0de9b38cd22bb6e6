/** Where a history is cut: at a date, in seconds since the epoch, or at so many steps from its tip. */
export type Cut = { since: number } | { depth: number };

/** Where a cut lies: after the last commit of a history, between commits, or before the first one. */
export type Position = 'after' | 'within' | 'before';
