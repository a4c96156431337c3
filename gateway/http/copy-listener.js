import process from 'node:process'

// Sends the socket that it is given back, as often as asked: what comes back is a copy, on the same port and queue. Only the bare handle is
// held here, so that no connection is accepted in this process.
process.on('disconnect', () => process.exit())
process.once('message', async ({ copies }, handle) => {
  for (let copy = 0; copy < copies; copy++) await new Promise((resolve) => process.send('copy', handle, resolve))
  // While this process holds the handle, connections could wait here for nobody.
  handle.close()
  process.send('done')
})
