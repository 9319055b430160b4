//! Request in, response out (RFC 9110, RFC 9112).

use super::body::FileBody;
use super::folder::{Folder, Opened};
use super::listing;
use super::log::Pending;
use super::media_type;
use super::range::Part;
use super::target::Target;
use super::validators::Validators;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE,
    LAST_MODIFIED, LOCATION, RANGE, SERVER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::response::Builder;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

/// Answers requests from a folder.
#[derive(Clone)]
pub(crate) struct Server {
    folder: Arc<Folder>,
}

/// What a path leads to.
enum Found {
    File(Opened, Vec<u8>),
    Page(String),
    /// A directory asked for as a file: links in its page would lead nowhere.
    Moved(String),
}

impl Server {
    pub(crate) fn new(folder: Folder) -> Self {
        Self { folder: Arc::new(folder) }
    }

    pub(crate) async fn answer(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Response<FileBody> {
        let path = request.uri().path();
        let mut reply =
            Reply { pending: Pending::new(peer, request.method().clone(), path), has_body: true };
        match *request.method() {
            Method::GET => {}
            Method::HEAD => reply.has_body = false,
            _ => {
                let refused = builder(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "GET, HEAD");
                return reply.text(refused, "only GET and HEAD are known here\n");
            }
        }
        let Some(target) = Target::parse(path) else {
            return reply.text(builder(StatusCode::BAD_REQUEST), "that path leads nowhere\n");
        };
        match self.find(target, path.to_owned()).await {
            Ok(Found::File(file, name)) => reply.file(file, &name, request.headers()),
            Ok(Found::Page(page)) => {
                let found =
                    builder(StatusCode::OK).header(CONTENT_TYPE, "text/html; charset=utf-8");
                reply.memory(found, page)
            }
            Ok(Found::Moved(uri)) => {
                let moved = builder(StatusCode::MOVED_PERMANENTLY).header(LOCATION, uri);
                reply.text(moved, "it is a directory\n")
            }
            Err(error) => reply.error(&error),
        }
    }

    async fn find(&self, target: Target, path: String) -> io::Result<Found> {
        let folder = Arc::clone(&self.folder);
        let find = tokio::task::spawn_blocking(move || find(&folder, &target, &path));
        find.await.unwrap_or_else(|_stopped| Err(ErrorKind::Interrupted.into()))
    }
}

fn find(folder: &Folder, target: &Target, path: &str) -> io::Result<Found> {
    let relative_path = target.relative_path();
    let found = folder.get(&relative_path)?;
    match (found.is_directory, target.is_directory) {
        (false, false) => Ok(Found::File(found, target.name().to_vec())),
        (false, true) => Err(ErrorKind::NotFound.into()),
        (true, false) => Ok(Found::Moved(target.directory_uri())),
        (true, true) => match folder.get(&[&*relative_path, b"index.html"].join(&b'/')) {
            Ok(index) if !index.is_directory => Ok(Found::File(index, b"index.html".to_vec())),
            _ => {
                let entries = folder.entries(&found, &relative_path)?;
                Ok(Found::Page(listing::page(target, path, &entries)))
            }
        },
    }
}

/// A response in the making.
struct Reply {
    pending: Pending,
    has_body: bool,
}

impl Reply {
    fn file(self, file: Opened, name: &[u8], headers: &HeaderMap) -> Response<FileBody> {
        let validators = Validators::of(&file);
        let mut response = builder(StatusCode::OK)
            .header(ETAG, &validators.etag)
            .header(LAST_MODIFIED, validators.last_modified())
            .header(ACCEPT_RANGES, "bytes");
        if validators.is_current(headers) {
            return self.bodiless(response.status(StatusCode::NOT_MODIFIED));
        }
        // Ranges are for GET only (RFC 9110 §14.2).
        let range = headers.get(RANGE).filter(|_| self.has_body);
        let part = match range.and_then(|field| field.to_str().ok()) {
            Some(range) if !headers.contains_key(IF_RANGE) || validators.allows_range(headers) => {
                Part::parse(range, file.len)
            }
            _ => Part::Whole,
        };
        let range = match part {
            Part::Whole => 0..file.len,
            Part::Of(range) => {
                let told = format!("bytes {}-{}/{}", range.start, range.end - 1, file.len);
                response = response.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, told);
                range
            }
            Part::Unsatisfiable => {
                let told = format!("bytes */{}", file.len);
                let refused =
                    builder(StatusCode::RANGE_NOT_SATISFIABLE).header(CONTENT_RANGE, told);
                return self.text(refused, "the file is not that long\n");
            }
        };
        let len = range.end - range.start;
        response = response.header(CONTENT_TYPE, media_type::of(name)).header(CONTENT_LENGTH, len);
        if !self.has_body {
            return self.bodiless(response);
        }
        self.send(response, len, |pending| FileBody::file(file.fd, range, pending))
    }

    fn error(mut self, error: &io::Error) -> Response<FileBody> {
        let (status, text) = match error.kind() {
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "there is no such file here\n"),
            ErrorKind::PermissionDenied => (StatusCode::FORBIDDEN, "this may not be read\n"),
            _ => {
                self.pending.fail(error);
                (StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read at the moment\n")
            }
        };
        self.text(builder(status), text)
    }

    fn text(self, response: Builder, text: &'static str) -> Response<FileBody> {
        self.memory(response.header(CONTENT_TYPE, "text/plain; charset=utf-8"), text.to_owned())
    }

    fn memory(self, response: Builder, content: String) -> Response<FileBody> {
        let len = content.len() as u64;
        let response = response.header(CONTENT_LENGTH, len);
        if !self.has_body {
            return self.bodiless(response);
        }
        self.send(response, len, |pending| FileBody::memory(content, pending))
    }

    fn bodiless(self, response: Builder) -> Response<FileBody> {
        self.send(response, 0, |pending| FileBody::memory("", pending))
    }

    fn send(
        mut self,
        response: Builder,
        len: u64,
        body: impl FnOnce(Pending) -> FileBody,
    ) -> Response<FileBody> {
        // All fields are made here of characters that a field may have; should one not be, an empty answer is still an answer.
        let response = response.body(()).unwrap_or_default();
        self.pending.answer(response.status(), len);
        let body = body(self.pending);
        response.map(|()| body)
    }
}

fn builder(status: StatusCode) -> Builder {
    Response::builder()
        .status(status)
        .header(SERVER, concat!("sockeye/", env!("CARGO_PKG_VERSION")))
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
}
