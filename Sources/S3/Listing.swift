import ArtifactModel
import ObjectStore

/// What S3's listings answer, read without I/O. An initialiser returns nil for an answer that is not such a listing.
enum Listing {
    /// One page of ListObjectsV2.
    struct Objects {
        /// Keys with the store's prefix.
        var entries: [ListPage.Entry] = []
        var isTruncated: Bool
        /// Where a page that is truncated and yet empty goes on.
        var token: String?

        init?(body: [UInt8]) {
            guard let root = AnswerElement(parsing: body), root.name == "ListBucketResult" else { return nil }
            isTruncated = root["IsTruncated"]?.text == "true"
            token = root["NextContinuationToken"]?.text
            for object in root.all("Contents") {
                guard let key = root.decodedKey(object["Key"]), let size = object["Size"].flatMap({ UInt64($0.text) }),
                    let modified = object["LastModified"].flatMap({ AnswerTime.unixMilliseconds(iso8601: $0.text) })
                else { return nil }
                entries.append(ListPage.Entry(key: key, size: size, modifiedAt: modified, etag: object["ETag"]?.text ?? ""))
            }
        }
    }

    /// One page of ListParts.
    struct Parts {
        var parts: [ListedPart] = []
        /// Where the next page begins; nil when this is the last.
        var next: Int?

        init?(body: [UInt8]) {
            guard let root = AnswerElement(parsing: body), root.name == "ListPartsResult" else { return nil }
            for part in root.all("Part") {
                guard let number = part["PartNumber"].flatMap({ Int($0.text) }),
                    let size = part["Size"].flatMap({ UInt64($0.text) }), let etag = part["ETag"]?.text
                else { return nil }
                parts.append(ListedPart(number: number, size: size, etag: etag))
            }
            if root["IsTruncated"]?.text == "true" {
                guard let last = parts.map(\.number).max() else { return nil }
                next = last
            }
        }
    }

    /// One page of ListMultipartUploads.
    struct Uploads {
        /// With the key that each belongs to.
        var uploads: [(key: String, upload: ListedUpload)] = []
        /// What the next page begins behind; nil when this is the last.
        var next: (key: String, uploadID: String)?

        init?(body: [UInt8]) {
            guard let root = AnswerElement(parsing: body), root.name == "ListMultipartUploadsResult" else { return nil }
            for upload in root.all("Upload") {
                guard let key = root.decodedKey(upload["Key"]), let id = upload["UploadId"]?.text,
                    let initiated = upload["Initiated"].flatMap({ AnswerTime.unixMilliseconds(iso8601: $0.text) })
                else { return nil }
                uploads.append((key, ListedUpload(id: id, initiatedAt: initiated)))
            }
            if root["IsTruncated"]?.text == "true" {
                guard let key = root.decodedKey(root["NextKeyMarker"]) else { return nil }
                next = (key, root["NextUploadIdMarker"]?.text ?? "")
            }
        }
    }
}

extension AnswerElement {
    /// A key in this listing, decoded where the listing says that its keys are encoded.
    fileprivate func decodedKey(_ element: AnswerElement?) -> String? {
        guard let element else { return nil }
        return self["EncodingType"]?.text == "url" ? element.text.percentDecoded(plusIsSpace: true) : element.text
    }
}
