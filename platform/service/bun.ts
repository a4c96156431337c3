/** Whether this process is run by Bun (docs/bun.md), which does a few things otherwise than Node.js. */
export const isBun: boolean = process.versions['bun'] !== undefined
