import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nkeys } from '@nats-io/transport-node'

type KeyPair = ReturnType<typeof nkeys.createUser>
export type Certificates = ReturnType<typeof makeCertificates>

/** An authority, what it has signed for a server on 127.0.0.1 and for a client, and another authority. */
export function makeCertificates(dir: string) {
  const path = (name: string) => join(dir, name)
  const openssl = (args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: dir })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = (name: string) =>
    openssl(['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`])
  function sign(name: string, by: string): void {
    writeFileSync(path(`${name}.ext`), 'subjectAltName=IP:127.0.0.1\n')
    openssl(['req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`])
    const ca = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial', '-days', '2']
    openssl(['x509', '-req', '-in', `${name}.csr`, ...ca, '-extfile', `${name}.ext`, '-out', `${name}.pem`])
  }
  authority('authority')
  authority('other')
  sign('server', 'authority')
  sign('client', 'authority')
  sign('stranger', 'other')
  return {
    ca: path('authority.pem'),
    otherCa: path('other.pem'),
    client: { cert: path('client.pem'), key: path('client.key') },
    stranger: { cert: path('stranger.pem'), key: path('stranger.key') },
    serverConfig: (more = '') =>
      `tls { cert_file: "${path('server.pem')}", key_file: "${path('server.key')}", ca_file: "${path('authority.pem')}", ${more} }`,
  }
}

/** Operator mode: a server's configuration, with an account that may use JetStream, and the credentials file of a user in it. */
export function makeOperator() {
  const [operator, account, system] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()]
  const unlimited = { subs: -1, data: -1, payload: -1 }
  const accountLimits = { ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 }
  const jetStream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }
  const toAccount = (of: KeyPair, limits: object) =>
    toJwt({ subject: of, issuer: operator, name: 'account', claims: { type: 'account', limits } })
  const operatorJwt = toJwt({
    subject: operator,
    issuer: operator,
    name: 'operator',
    claims: { type: 'operator', system_account: system.getPublicKey() },
  })
  return {
    serverConfig: [
      `operator: ${operatorJwt}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: { ${account.getPublicKey()}: ${toAccount(account, { ...accountLimits, ...jetStream })}`,
      `  ${system.getPublicKey()}: ${toAccount(system, accountLimits)} }`,
    ].join('\n'),
    /** Text as `nsc` writes it. */
    credentials(options: { expiresAtSeconds?: number } = {}): string {
      const user = nkeys.createUser()
      const claims = { type: 'user', pub: {}, sub: {}, ...unlimited }
      const jwt = toJwt({ subject: user, issuer: account, name: 'user', claims, ...options })
      const seed = Buffer.from(user.getSeed()).toString()
      return [
        `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n`,
        `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
      ].join('\n')
    },
  }
}

type Claims = { subject: KeyPair; issuer: KeyPair; name: string; claims: object; expiresAtSeconds?: number }

function toJwt({ subject, issuer, name, claims, expiresAtSeconds }: Claims): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const body = {
    iat: Math.floor(Date.now() / 1000),
    ...(expiresAtSeconds !== undefined && { exp: expiresAtSeconds }),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats: { ...claims, version: 2 },
  }
  const jti = createHash('sha256').update(JSON.stringify(body)).digest('hex')
  const signed = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode({ jti, ...body })}`
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`
}
