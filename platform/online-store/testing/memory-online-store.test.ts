import { onlineStoreContract } from '../online-store.contract.ts'
import { createMemoryOnlineStore } from './memory-online-store.ts'

onlineStoreContract('the online store in memory', async () => createMemoryOnlineStore())
