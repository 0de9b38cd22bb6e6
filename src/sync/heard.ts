/** What is told of a watched folder. */
export interface FileEvents {
  /** Something has changed below the folder, other than in .git; paths are only a hint, as relative names. */
  changed(paths: readonly string[]): void;
  /** Events may have been lost (overflow, error, the folder itself went away): look at everything. */
  lost(why: string): void;
}
