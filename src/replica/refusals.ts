import { GamError } from '../errors.ts';

/** The reasons that refs are refused for, by name. */
export type Refusals = Map<string, string>;

const sentence = ({ message, suggestion }: GamError) =>
  suggestion === undefined ? message : `${message}; ${suggestion}`;

/** An error of gam's, as a pusher reads it. */
export function reasonOf(error: unknown): string {
  return `gam: ${error instanceof GamError ? sentence(error) : (error as Error).message}`;
}

/** What is said of a commit of which nobody knows whether it was done. */
export function outcomeUnknown(error: Error): GamError {
  return new GamError('outcome-unknown', `nobody knows whether the group has it: ${error.message}`, {
    suggestion: 'fetch, and push again',
    cause: error,
  });
}
