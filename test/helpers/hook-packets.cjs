// What git and its proc-receive hook say to each other, in packets (githooks(5)).
const { readSync, writeSync } = require('node:fs');

function read(length) {
  const buffer = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const count = readSync(0, buffer, at, length - at, null);
    if (count === 0) process.exit(9);
    at += count;
  }
  return buffer.toString();
}

/** The packets up to the next flush. */
function readPackets() {
  const lines = [];
  for (;;) {
    const size = Number.parseInt(read(4), 16);
    if (size === 0) return lines;
    lines.push(read(size - 4));
  }
}

function writePackets(lines) {
  const packets = lines.map((line) => (line.length + 4).toString(16).padStart(4, '0') + line);
  writeSync(1, `${packets.join('')}0000`);
}

module.exports = { readPackets, writePackets };
