import ArtifactModel
import Testing

@Suite struct StoreLocationTests {
    /// A bucket, with or without a prefix; slashes at the prefix's ends do not count.
    @Test(arguments: [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
        ("s3://my.bucket-1/a/b", "my.bucket-1", "a/b"),
        ("s3://bucket//a b/é/", "bucket", "a b/é"),
    ])
    func bucketURLs(url: String, bucket: String, prefix: String) throws {
        #expect(try StoreLocation(url: url) == .s3(bucket: bucket, prefix: prefix))
    }

    /// A directory is named by an absolute path; nothing in it is decoded.
    @Test(arguments: [
        ("file:///srv/store", "/srv/store"), ("file:///srv/a%20b/", "/srv/a%20b"), ("file:///", "/"),
        ("file:///srv//a/./b/../c/", "/srv/a/c"), ("file:///../..", "/"),
    ])
    func directoryURLs(url: String, path: String) throws {
        #expect(try StoreLocation(url: url) == .directory(path: path))
    }

    /// A location's text is a URL of that same location.
    @Test(arguments: ["s3://bucket", "s3://bucket/a/b", "file:///srv/store", "file:///"])
    func descriptionIsTheURL(url: String) throws {
        let location = try StoreLocation(url: url)
        #expect(location.description == url)
        #expect(try StoreLocation(url: location.description) == location)
    }

    /// What is no location is refused with a sentence that names it.
    @Test(arguments: [
        ("", "unknown scheme"), ("bucket", "unknown scheme"), ("http://host/bucket", "unknown scheme"),
        ("S3://bucket", "unknown scheme"), ("s3:bucket", "unknown scheme"), ("s3://", "not a bucket name"),
        ("s3://ab", "not a bucket name"), ("s3://Bucket", "not a bucket name"), ("s3://-bucket", "not a bucket name"),
        ("s3://bu cket/a", "not a bucket name"), ("file://srv", "absolute"), ("file://", "absolute"),
    ])
    func otherURLsAreRefused(url: String, why: String) throws {
        let error = try #require(throws: ArtifactError.self) { try StoreLocation(url: url) }
        #expect(error.code == .invalidRequest)
        #expect(error.message.contains(why))
        #expect(error.message.contains("'\(url)'"))
    }

    /// A prefix or a path that climbs out, or has empty components, is refused as a key would be.
    @Test(arguments: ["s3://bucket/a/../b", "s3://bucket/a//b", "s3://bucket/a\nb"])
    func badPathsAreRefused(url: String) throws {
        let error = try #require(throws: ArtifactError.self) { try StoreLocation(url: url) }
        #expect(error.code == .invalidKey)
    }

    /// The key that a destination names below a location; nothing outside it, not even its neighbours by name.
    @Test(arguments: [
        ("s3://bucket/pre", "s3://bucket/pre/a/b", "a/b"),
        ("s3://bucket/pre", "s3://bucket/pre", ""),
        ("s3://bucket/pre", "s3://bucket/prefix/a", nil),
        ("s3://bucket/pre", "s3://bucket/a", nil),
        ("s3://bucket", "s3://bucket/a", "a"),
        ("s3://bucket", "s3://bucket2/a", nil),
        ("s3://bucket", "s3://bucket/a/", "a/"),
        ("s3://bucket", "a/b", "a/b"),
        ("s3://bucket", "a:b:/c//d", "a:b:/c//d"),
        ("s3://bucket", "a:b://c", nil),
        ("s3://bucket", "file:///a", nil),
        ("file:///srv", "file:///srv/a", "a"),
        ("file:///srv", "file:///srv2/a", nil),
        ("file:///", "file:///a/b", "a/b"),
        ("s3://bucket/caf\u{E9}", "s3://bucket/cafe\u{301}/a", nil),
    ])
    func keyOfADestination(store: String, destination: String, key: String?) throws {
        #expect(try StoreLocation(url: store).relativeKey(of: destination) == key)
    }

    /// The URI of a key names that key again.
    @Test(arguments: ["s3://bucket", "s3://bucket/pre", "file:///srv", "file:///"])
    func uriOfAKeyGoesBack(store: String) throws {
        let location = try StoreLocation(url: store)
        #expect(location.relativeKey(of: location.uri(ofKey: "a b/ü")) == "a b/ü")
    }

    /// In logs no text can break a line, move the cursor or turn the writing direction around.
    @Test func escapesForLogs() {
        #expect("a\nb\u{1B}[2Jc\\d\u{202E}e\u{9B}é".escapedForLog == "a\\nb\\u{1b}[2Jc\\\\d\\u{202e}e\\u{9b}é")
    }
}
