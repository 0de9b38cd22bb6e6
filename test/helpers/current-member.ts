/** What is told of a member of a group to which nothing is amiss. */
export const CURRENT = {
  role: 'primary',
  self: false,
  state: 'current',
  refsBehind: 0,
  refsDiverged: 0,
  since: null,
  reason: null,
  queued: 0,
} as const;
