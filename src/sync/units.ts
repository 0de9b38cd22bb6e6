/** How the program is started. */
export interface WatchProgram {
  /** The path of node. */
  node: string;
  /** The path of gam. */
  gam: string;
}

// systemd.syntax(7), QUOTING, and systemd.unit(5), SPECIFIERS.
const quoted = (word: string) =>
  `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;

/** A unit for the user's own systemd (systemd.service(5)) that watches from login on, and again when it has failed. */
export function systemdUnit({ node, gam }: WatchProgram, path: string): string {
  return `[Unit]
Description=gam watch: folders that follow their git remotes
After=network-online.target

[Service]
ExecStart=${quoted(node)} ${quoted(gam)} watch run --quiet
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
