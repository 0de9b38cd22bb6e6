/** How the program is started. */
export interface WatchProgram {
  /** The path of node. */
  node: string;
  /** The path of gam. */
  gam: string;
}

// systemd.syntax(7), QUOTING, and systemd.unit(5), SPECIFIERS. In the name of the program, and in the environment, a dollar sign is nothing
// special (systemd.service(5), COMMAND LINES; systemd.exec(5), Environment=).
const quoted = (word: string) =>
  `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('%', '%%')}"`;
const argument = (word: string) => quoted(word.replaceAll('$', '$$$$'));

/** A unit for the user's own systemd (systemd.service(5)) that watches from login on, and again when it has failed. */
export function systemdUnit({ node, gam }: WatchProgram, path: string): string {
  return `[Unit]
Description=gam watch: folders that follow their git remotes

[Service]
ExecStart=${quoted(node)} ${argument(gam)} watch run --quiet
ExecReload=/bin/kill -HUP $MAINPID
Environment=${quoted(`PATH=${path}`)}
Restart=on-failure
RestartSec=10
Nice=5

[Install]
WantedBy=default.target
`;
}

// For sh; and crontab(5) ends a command at a percent sign.
const shellWord = (word: string) =>
  (/^[\w@+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`).replaceAll(
    '%',
    String.raw`\%`,
  );

/** A line for crontab(5) that does the same every few minutes. */
export function crontabLine({ node, gam }: WatchProgram): string {
  return `*/5 * * * * ${shellWord(node)} ${shellWord(gam)} watch run --once -q`;
}
