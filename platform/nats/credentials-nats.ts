import { readFileSync } from 'node:fs'
import { credsAuthenticator, type Authenticator } from '@nats-io/transport-node'
import { ServiceError } from '../../contracts/errors.ts'
import { readNatsFile } from './nats-config.ts'

/**
 * Shows the file's JWT and signs with its seed. Reads it at every connection, since it is replaced before it expires; a
 * version that cannot be used, half written perhaps, leaves the last that could.
 * @throws ServiceError `invalid_config` when it cannot be read or is no such file.
 */
export async function toAuthenticator(path: string): Promise<Authenticator> {
  let usable = credsAuthenticator(await readNatsFile('NATS_CREDS_FILE', path))
  try {
    usable('')
  } catch (cause) {
    throw new ServiceError('invalid_config', 'NATS_CREDS_FILE: the file holds no JWT with its seed', { cause })
  }
  return (nonce) => {
    try {
      const latest = credsAuthenticator(readFileSync(path))
      const shown = latest(nonce)
      usable = latest
      return shown
    } catch {
      // Nothing may be thrown here: the client would close the connection for good.
      return usable(nonce)
    }
  }
}
