import ArtifactModel
import ObjectStore

/// The requests about multipart uploads.
///
/// With a CRC the checksum of the whole object is declared at the beginning and given at the end (`FULL_OBJECT`), so that AWS
/// joins the parts' checks and compares. Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3".
extension S3Request {
    /// - Parameter algorithm: of the checks that will come with the parts; nil for none.
    static func createUpload(
        _ object: ObjectDescription, key: String, algorithm: CRC.Algorithm?
    ) throws(ArtifactError) -> S3Request {
        var headers = try headers(of: object)
        if let algorithm {
            headers.append(HTTPField("x-amz-checksum-algorithm", algorithm.nameInHeaders))
            headers.append(HTTPField("x-amz-checksum-type", "FULL_OBJECT"))
        }
        return S3Request(
            operation: "CreateMultipartUpload", method: .post, key: key, query: [HTTPField("uploads", "")], headers: headers)
    }

    static func uploadPart(key: String, uploadID: String, number: Int, proof: BodyProof) -> S3Request {
        S3Request(
            operation: "UploadPart", method: .put, key: key,
            query: [HTTPField("partNumber", String(number)), HTTPField("uploadId", uploadID)],
            headers: [proof.header].compactMap(\.self), payload: proof.payload)
    }

    static func listParts(key: String, uploadID: String, after marker: Int) -> S3Request {
        var query = [HTTPField("uploadId", uploadID)]
        if marker > 0 { query.append(HTTPField("part-number-marker", String(marker))) }
        return S3Request(operation: "ListParts", method: .get, key: key, query: query)
    }

    /// - Parameter check: of the whole object.
    static func completeUpload(key: String, uploadID: String, parts: [PartReceipt], check: CRC?) -> S3Request {
        var xml = #"<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#
        for part in parts {
            xml += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(part.etag.xmlEscaped)</ETag>"
            if let check = part.check {
                xml += "<\(check.algorithm.elementName)>\(check.base64)</\(check.algorithm.elementName)>"
            }
            xml += "</Part>"
        }
        xml += "</CompleteMultipartUpload>"
        var headers = [HTTPField("content-type", "application/xml")]
        if let check {
            headers.append(HTTPField(check.algorithm.headerName, check.base64))
            headers.append(HTTPField("x-amz-checksum-type", "FULL_OBJECT"))
        }
        return S3Request(
            operation: "CompleteMultipartUpload", method: .post, key: key, query: [HTTPField("uploadId", uploadID)],
            headers: headers, payload: .signed, body: Array(xml.utf8))
    }

    static func abortUpload(key: String, uploadID: String) -> S3Request {
        S3Request(
            operation: "AbortMultipartUpload", method: .delete, key: key, query: [HTTPField("uploadId", uploadID)])
    }

    /// Keys are not asked for encoded: SeaweedFS then says that they are, and they are not. Ours have no character that XML lacks.
    /// - Parameter marker: the key and the upload that the page before ended with.
    static func listUploads(prefix: String, after marker: (key: String, uploadID: String)?) -> S3Request {
        var query = [HTTPField("uploads", ""), HTTPField("prefix", prefix)]
        if let marker {
            query.append(HTTPField("key-marker", marker.key))
            if !marker.uploadID.isEmpty { query.append(HTTPField("upload-id-marker", marker.uploadID)) }
        }
        return S3Request(operation: "ListMultipartUploads", method: .get, query: query)
    }
}

extension String {
    /// The text as XML's character data.
    fileprivate var xmlEscaped: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
