// authenticator: proves the keys of those who connect to this process's listeners.
//
// Floor 5. libzmq asks it about each new connection to an encrypted listener (ZAP, RFC 27). It
// admits every key that its owner has proved, and tells the listener which it is (frame_key): who
// may do what is judged per request. One a process, made before any listener is bound; while there
// is none, encrypted listeners let nobody in. It has a thread of its own.

#ifndef ZCHAT_AUTHENTICATOR_H
#define ZCHAT_AUTHENTICATOR_H

typedef struct authenticator authenticator_t;

// NULL with errno when it cannot be started: EADDRINUSE when there is one already.
authenticator_t *authenticator_new (void);
void authenticator_destroy (authenticator_t **self_p);

#endif
