"""Stands in for a program that the nursery runs: hands it words, variables, folder and outputs.

It goes on for as long as the program does, passes signals on to it, and ends as it does. It is
started for every line of the documents, so it imports builtin modules only.
"""

import _signal
import _socket
import marshal
import posix
import sys

_PASSED_ON = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM, _signal.SIGUSR1)
_OUTPUTS = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
_NOBODY = 125  # no program ends with it


def main(door: str, program: str) -> int:
    """Have a program run by the nursery behind a door; returns its exit code.

    Args:
        door: The path of a socket.
        program: `rq`, `postroom` or `python`.
    """
    nursery = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    nursery.connect(door)
    ignored = [each for each in _PASSED_ON if _signal.getsignal(each) == _signal.SIG_IGN]
    for each in _PASSED_ON:
        if each not in ignored:
            _signal.signal(each, lambda number, _: nursery.send(bytes([number])))
    words = [program, *sys.argv[1:]]
    order = marshal.dumps((words, posix.environ, posix.getcwd(), ignored))
    head = len(order).to_bytes(4, "big")
    nursery.sendmsg([head], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _OUTPUTS)])
    nursery.sendall(order)
    answer = nursery.recv(4)
    if len(answer) < 4:
        sys.stderr.write("The nursery is gone.\n")
        return _NOBODY
    code = int.from_bytes(answer, "big", signed=True)
    if code < 0:
        if -code != _signal.SIGKILL:
            _signal.signal(-code, _signal.SIG_DFL)
        posix.kill(posix.getpid(), -code)
    return code
