//! Linux's error numbers.

use core::fmt;
use sockeye_host::HostError;
use sockeye_tcp::Error;

macro_rules! errnos {
    ($($name:ident = $number:literal, $text:literal;)+) => {
        /// Why a call failed: Linux's names, numbers and texts.
        ///
        /// ```
        /// use sockeye_posix::Errno;
        /// assert_eq!(Errno::ECONNREFUSED.to_string(), "ECONNREFUSED (Connection refused)");
        /// assert_eq!(Errno::from_name("EAGAIN").map(Errno::number), Some(11));
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Errno {
            $(#[doc = $text] $name = $number,)+
        }

        impl Errno {
            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Its text, as `strerror` has it.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The error of that name; `EWOULDBLOCK` and `ENOTSUP` are second names of others.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)+
                    "EWOULDBLOCK" => Some(Self::EAGAIN),
                    "ENOTSUP" => Some(Self::EOPNOTSUPP),
                    _ => None,
                }
            }

            /// The error of that number.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

errnos! {
    EPERM = 1, "Operation not permitted";
    ENOENT = 2, "No such file or directory";
    EINTR = 4, "Interrupted system call";
    EIO = 5, "Input/output error";
    EBADF = 9, "Bad file descriptor";
    EAGAIN = 11, "Resource temporarily unavailable";
    ENOMEM = 12, "Cannot allocate memory";
    EACCES = 13, "Permission denied";
    EFAULT = 14, "Bad address";
    EBUSY = 16, "Device or resource busy";
    EEXIST = 17, "File exists";
    EINVAL = 22, "Invalid argument";
    EMFILE = 24, "Too many open files";
    ENOTTY = 25, "Inappropriate ioctl for device";
    ESPIPE = 29, "Illegal seek";
    EPIPE = 32, "Broken pipe";
    EDOM = 33, "Numerical argument out of domain";
    ERANGE = 34, "Numerical result out of range";
    ENAMETOOLONG = 36, "File name too long";
    ENOSYS = 38, "Function not implemented";
    ELOOP = 40, "Too many levels of symbolic links";
    EPROTO = 71, "Protocol error";
    ENOTSOCK = 88, "Socket operation on non-socket";
    EDESTADDRREQ = 89, "Destination address required";
    EMSGSIZE = 90, "Message too long";
    EPROTOTYPE = 91, "Protocol wrong type for socket";
    ENOPROTOOPT = 92, "Protocol not available";
    EPROTONOSUPPORT = 93, "Protocol not supported";
    ESOCKTNOSUPPORT = 94, "Socket type not supported";
    EOPNOTSUPP = 95, "Operation not supported";
    EPFNOSUPPORT = 96, "Protocol family not supported";
    EAFNOSUPPORT = 97, "Address family not supported by protocol";
    EADDRINUSE = 98, "Address already in use";
    EADDRNOTAVAIL = 99, "Cannot assign requested address";
    ENETDOWN = 100, "Network is down";
    ENETUNREACH = 101, "Network is unreachable";
    ENETRESET = 102, "Network dropped connection on reset";
    ECONNABORTED = 103, "Software caused connection abort";
    ECONNRESET = 104, "Connection reset by peer";
    ENOBUFS = 105, "No buffer space available";
    EISCONN = 106, "Transport endpoint is already connected";
    ENOTCONN = 107, "Transport endpoint is not connected";
    ESHUTDOWN = 108, "Cannot send after transport endpoint shutdown";
    ETIMEDOUT = 110, "Connection timed out";
    ECONNREFUSED = 111, "Connection refused";
    EHOSTDOWN = 112, "Host is down";
    EHOSTUNREACH = 113, "No route to host";
    EALREADY = 114, "Operation already in progress";
    EINPROGRESS = 115, "Operation now in progress";
    EKEYREJECTED = 129, "Key was rejected by service";
}

impl Errno {
    /// Its number, positive.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.text())
    }
}

impl core::error::Error for Errno {}

impl From<Error> for Errno {
    fn from(error: Error) -> Self {
        match error {
            Error::WouldBlock => Self::EAGAIN,
            Error::Refused => Self::ECONNREFUSED,
            Error::Reset => Self::ECONNRESET,
            Error::TimedOut => Self::ETIMEDOUT,
            Error::Closing => Self::EPIPE,
            Error::NotConnected => Self::ENOTCONN,
            Error::Aborted => Self::ECONNABORTED,
            Error::HostUnreachable => Self::EHOSTUNREACH,
            Error::NetworkUnreachable => Self::ENETUNREACH,
            Error::ProtocolUnreachable => Self::ENOPROTOOPT,
        }
    }
}

impl From<HostError> for Errno {
    /// As `bind` and `connect` tell it.
    fn from(error: HostError) -> Self {
        match error {
            HostError::AddrInUse(_) => Self::EADDRINUSE,
            HostError::AddrNotAvailable(_) | HostError::PortsExhausted(_) => Self::EADDRNOTAVAIL,
            HostError::InvalidRemote(_) | HostError::NetworkUnreachable(_) => Self::ENETUNREACH,
            HostError::FamilyMismatch { .. } => Self::EAFNOSUPPORT,
            HostError::TooManyConnections(_) | HostError::OutOfMemory => Self::ENOBUFS,
            HostError::FastOpenDisabled => Self::EOPNOTSUPP,
            HostError::NotHeld => Self::ECONNABORTED,
            HostError::PacketTooLarge(_) => Self::EMSGSIZE,
            HostError::NoSuchInterface(_) | HostError::BadPrefix { .. } | HostError::BadPacket => {
                Self::EINVAL
            }
        }
    }
}
