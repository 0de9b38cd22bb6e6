import * as Flags from '@oclif/core/flags';

/** The flags by which `gam mirrors add`, `remove` and `prefer` say whose mirrors they mean. */
export const remoteFlag = {
  remote: Flags.string({
    summary: 'The remote it is a mirror of.',
    description: 'Without it: origin, or the only remote.',
    helpValue: '<name>',
  }),
};

/** The same, for mirrors of every repository under a base. */
export const placeFlags = {
  ...remoteFlag,
  for: Flags.string({
    summary: 'Every canonical URL that starts with this.',
    description: 'The rest of the URL is appended to the mirror URL; the longest base wins.',
    helpValue: '<base>',
    exclusive: ['remote'],
  }),
};

/** Lets a command write the user's configuration instead of the repository's. */
export const globalFlag = {
  global: Flags.boolean({
    summary: "In the user's git configuration, for all repositories.",
    default: false,
  }),
};
