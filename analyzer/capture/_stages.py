"""What is still wanted of the payload of a row."""

NEW = 0  # nothing seen yet
DONE = 1  # nothing more is wanted
COLLECT = 2  # samples are kept
AWAIT_TLS = 3  # the server's answer tells whether more is in clear
AWAIT_HTTP = 4  # the status of the answer
AWAIT_DNS = 5  # the code of the answer
AWAIT_ADDRESS = 6  # the addresses of a listed name
WATCH = 7  # sizes behind a TLS 1.3 handshake
